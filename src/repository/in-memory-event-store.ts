import type { DomainEvent } from '../contracts/event.ts';
import { EventStreamError, OptimisticLockError } from './errors.ts';
import type { EventStore, StoredEvent, StreamId } from './event-store.ts';
import { requireSequence, requireVersion } from './stream-rules.ts';

/** An event store for development and tests: gone with its process, and bounded by its memory alone. */
export class InMemoryEventStore implements EventStore {
  readonly #streams = new Map<string, DomainEvent[]>();
  readonly #all: DomainEvent[] = [];
  readonly #ids = new Set<string>();

  /**
   * @throws {ConfigurationError} when `expectedVersion` isn't an integer of 0 or more.
   * @see EventStore.append
   */
  async append(stream: StreamId, events: readonly DomainEvent[], expectedVersion: number): Promise<void> {
    requireVersion('expectedVersion', expectedVersion);
    requireSequence(stream, expectedVersion, events);
    const stored = this.#streamOf(stream);
    if (stored.length !== expectedVersion) {
      if (isStored(events, stored.slice(expectedVersion))) return;
      throw new OptimisticLockError(stream, expectedVersion, stored.length);
    }
    for (const { eventId } of events)
      if (this.#ids.has(eventId)) throw new EventStreamError(stream, `the id ${eventId} is stored already.`);
    if (events.length === 0) return;
    for (const { eventId } of events) this.#ids.add(eventId);
    this.#all.push(...events);
    this.#streams.set(keyOf(stream), [...stored, ...events]);
  }

  async *readStream(stream: StreamId, fromVersion = 1): AsyncGenerator<DomainEvent> {
    requireVersion('fromVersion', fromVersion);
    yield* this.#streamOf(stream).slice(Math.max(0, fromVersion - 1));
  }

  async *readAll(fromPosition = 0): AsyncGenerator<StoredEvent> {
    requireVersion('fromPosition', fromPosition);
    const end = this.#all.length;
    for (let at = fromPosition; at < end; at++) yield { event: this.#all[at]!, position: at + 1 };
  }

  async versionOf(stream: StreamId): Promise<number> {
    return this.#streamOf(stream).length;
  }

  #streamOf(stream: StreamId): readonly DomainEvent[] {
    return this.#streams.get(keyOf(stream)) ?? [];
  }
}

/** No aggregate type has a space. */
const keyOf = ({ aggregateType, aggregateId }: StreamId): string => `${aggregateType} ${aggregateId}`;

const isStored = (events: readonly DomainEvent[], stored: readonly DomainEvent[]): boolean =>
  events.length > 0 && events.every(({ eventId }, at) => stored[at]?.eventId === eventId);
