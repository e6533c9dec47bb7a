import type { DomainEvent } from '../contracts/event.ts';

/** The events of one aggregate. Two types may use the same ids. */
export interface StreamId {
  readonly aggregateType: string;
  readonly aggregateId: string;
}

/** An event and its place among all of the store. */
export interface StoredEvent {
  readonly event: DomainEvent;
  /** Grows with every event stored, whatever its stream; 1 or more, and may have gaps. */
  readonly position: number;
}

/** Where aggregates are kept: append-only streams. `describeEventStore` of `buschart/testing` has its tests. */
export interface EventStore {
  /**
   * Resolves once all are stored; none is when it rejects. Their versions follow `expectedVersion` (0 where there is no
   * stream yet) without a gap. What is stored at these very versions with the same ids already is taken for done, so that an
   * append without an answer may be repeated.
   * @throws {OptimisticLockError} when the stream has another version.
   * @throws {EventStreamError} when they aren't of that stream, don't follow one another, or an id is stored already.
   */
  append(stream: StreamId, events: readonly DomainEvent[], expectedVersion: number): Promise<void>;
  /** From that version on (1), oldest first, up to what is there when reading begins. Nothing where there is no stream. */
  readStream(stream: StreamId, fromVersion?: number): AsyncIterable<DomainEvent>;
  /** Of all streams, behind that position (0), in the order in which they were stored, up to what is there now. */
  readAll(fromPosition?: number): AsyncIterable<StoredEvent>;
  /** 0 where there is no stream. */
  versionOf(stream: StreamId): Promise<number>;
}
