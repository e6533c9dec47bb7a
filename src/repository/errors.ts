import type { DomainEvent } from '../contracts/event.ts';
import { EventBusError } from '../errors.ts';
import type { StreamId } from './event-store.ts';

const named = ({ aggregateType, aggregateId }: StreamId): string => `${aggregateType} "${aggregateId}"`;

/** Somebody else appended in between, so nothing was stored: load the aggregate again and repeat the command. */
export class OptimisticLockError extends EventBusError {
  override readonly name = 'OptimisticLockError';
  readonly stream: StreamId;
  /** Version that the stream was expected to have; 0 for none. */
  readonly expected: number;
  /** Version that it has. */
  readonly actual: number;
  constructor(stream: StreamId, expected: number, actual: number) {
    super(`${named(stream)} is at version ${actual}, not ${expected}: somebody else has changed it.`, {
      code: 'OPTIMISTIC_LOCK',
      retryable: true,
    });
    this.stream = stream;
    this.expected = expected;
    this.actual = actual;
  }
}

/** No event was ever stored of that aggregate. */
export class AggregateNotFoundError extends EventBusError {
  override readonly name = 'AggregateNotFoundError';
  readonly stream: StreamId;
  constructor(stream: StreamId) {
    super(`There is no ${named(stream)}.`, { code: 'AGGREGATE_NOT_FOUND' });
    this.stream = stream;
  }
}

/**
 * Events that can't follow one another in this stream: of another aggregate, with a gap or a double in their versions, or
 * with an id that is stored already. Stored nothing, or, on reading, the stream itself is broken.
 */
export class EventStreamError extends EventBusError {
  override readonly name = 'EventStreamError';
  readonly stream: StreamId;
  constructor(stream: StreamId, problem: string) {
    super(`${named(stream)}: ${problem}`, { code: 'EVENT_STREAM' });
    this.stream = stream;
  }
}

/**
 * The events are stored, and some of them not published: hand this error to `republish`. Until that has worked, the next save
 * of the same aggregate publishes them first.
 */
export class UnpublishedEventsError extends EventBusError {
  override readonly name = 'UnpublishedEventsError';
  /** Stored and not known to be published, oldest first: those of this save, behind what earlier ones left. */
  readonly events: readonly DomainEvent[];
  constructor(stream: StreamId, events: readonly DomainEvent[], cause: unknown) {
    const types = [...new Set(events.map(({ eventType }) => eventType))].slice(0, 5).join(', ');
    super(
      `${events.length} event(s) of ${named(stream)} are stored, but not published (${types}). ` +
        'Hand this error to repository.republish().',
      { code: 'UNPUBLISHED_EVENTS', retryable: true, cause },
    );
    this.events = events;
  }
}
