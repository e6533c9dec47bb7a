export { AggregateRepository } from './aggregate-repository.ts';
export type { AggregateRepositoryOptions } from './aggregate-repository.ts';
export { AggregateRoot } from './aggregate-root.ts';
export type { RaisedFields } from './aggregate-root.ts';
export { defineAggregate } from './define-aggregate.ts';
export type { AggregateOptions, Apply, DefinedAggregate } from './define-aggregate.ts';
export {
  AggregateNotFoundError,
  EventStreamError,
  OptimisticLockError,
  UnpublishedEventsError,
} from './errors.ts';
export type { EventStore, StoredEvent, StreamId } from './event-store.ts';
export { InMemoryEventStore } from './in-memory-event-store.ts';
export type { EventPublisher } from './publications.ts';
