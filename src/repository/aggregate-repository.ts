import type { AggregateRoot } from './aggregate-root.ts';
import { AggregateNotFoundError, type UnpublishedEventsError } from './errors.ts';
import type { EventStore, StreamId } from './event-store.ts';
import { Publications, type EventPublisher } from './publications.ts';
import { requireVersion } from './stream-rules.ts';

/** What a repository is made of. */
export interface AggregateRepositoryOptions<Aggregate extends AggregateRoot<unknown>> {
  readonly eventStore: EventStore;
  /** A class that extends `AggregateRoot`, or what `defineAggregate` returned. */
  readonly aggregate: new (aggregateId: string) => Aggregate;
  /** Gets every event that was stored, such as a bus; without one nothing is published. */
  readonly eventPublisher?: EventPublisher;
  /**
   * Events that are stored and could not be published are kept for the next save of their aggregate, which publishes them
   * first: so many of them. Beyond it those of the aggregate used longest ago are left to `republish` alone (10,000).
   */
  readonly maxUnpublished?: number;
}

/** Loads aggregates from their events, and stores and publishes what they raise. */
export class AggregateRepository<Aggregate extends AggregateRoot<unknown>> {
  readonly #store: EventStore;
  readonly #make: new (aggregateId: string) => Aggregate;
  readonly #publications: Publications;

  /** @throws {ConfigurationError} when `maxUnpublished` isn't an integer of 0 or more. */
  constructor(options: AggregateRepositoryOptions<Aggregate>) {
    const { eventStore, aggregate, eventPublisher, maxUnpublished = 10_000 } = options;
    requireVersion('maxUnpublished', maxUnpublished);
    this.#store = eventStore;
    this.#make = aggregate;
    this.#publications = new Publications(eventPublisher, maxUnpublished);
  }

  /** A new one, which nobody else knows before it is saved: two of one id are told apart then. */
  createNew(aggregateId: string): Aggregate {
    return new this.#make(aggregateId);
  }

  /**
   * @throws {AggregateNotFoundError} when nothing is stored of it.
   * @throws {EventStreamError} when the stream has a gap, or events of another aggregate.
   */
  async load(aggregateId: string): Promise<Aggregate> {
    const aggregate = await this.loadOrCreate(aggregateId);
    if (aggregate.version === 0) throw new AggregateNotFoundError(streamOf(aggregate));
    return aggregate;
  }

  /** As it is stored, or a new one. @throws {EventStreamError} as {@link load} does. */
  async loadOrCreate(aggregateId: string): Promise<Aggregate> {
    const aggregate = this.createNew(aggregateId);
    for await (const event of this.#store.readStream(streamOf(aggregate))) aggregate.replay(event);
    return aggregate;
  }

  /**
   * Stores what the aggregate has raised, then publishes it, in order; does nothing when it raised nothing and nothing of it
   * is left. Resolves when the publisher has: a bus in memory has handled the events by then, a broker has them stored. Of
   * one aggregate, what earlier saves of this repository stored is published before. Saves of one aggregate may overlap,
   * also from within a handler of its events.
   * @throws {OptimisticLockError} when somebody else saved it since it was loaded; nothing is stored.
   * @throws {EventStreamError} when the events can't follow what is stored; nothing is.
   * @throws {UnpublishedEventsError} when it is stored and not published: `republish` that, or save again.
   */
  save(aggregate: Aggregate): Promise<void> {
    const stream = streamOf(aggregate);
    return this.#publications.store(stream, async () => {
      const events = aggregate.uncommittedEvents;
      if (events.length === 0) return [];
      await this.#store.append(stream, events, aggregate.version - events.length);
      aggregate.markCommitted(events);
      return events;
    });
  }

  /**
   * Publishes what the error says is stored and not published, and what else is left of that aggregate. What a later save
   * has published already isn't published twice; handing it the same error again is harmless.
   * @throws {UnpublishedEventsError} when that fails again.
   */
  republish(error: UnpublishedEventsError): Promise<void> {
    return this.#publications.republish(error);
  }

  /** Whether anything is stored of it. */
  async exists(aggregateId: string): Promise<boolean> {
    return (await this.getVersion(aggregateId)) > 0;
  }

  /** How many events are stored of it; 0 for none. */
  async getVersion(aggregateId: string): Promise<number> {
    return this.#store.versionOf(streamOf(this.createNew(aggregateId)));
  }
}

const streamOf = ({ aggregateType, aggregateId }: StreamId): StreamId => ({ aggregateType, aggregateId });
