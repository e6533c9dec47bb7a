import type { DomainEvent } from '../contracts/event.ts';
import { ConfigurationError } from '../errors.ts';
import { EventStreamError } from './errors.ts';
import type { StreamId } from './event-store.ts';

/** @throws {EventStreamError} unless the event is the one that comes behind `version`. */
export function requireNext(stream: StreamId, version: number, event: DomainEvent): void {
  const { aggregateType, aggregateId, aggregateVersion, eventType, eventId } = event;
  const called = `${eventType} ${eventId}`;
  if (aggregateType !== stream.aggregateType || aggregateId !== stream.aggregateId)
    throw new EventStreamError(stream, `${called} is of ${aggregateType} "${aggregateId}".`);
  if (aggregateVersion !== version + 1)
    throw new EventStreamError(
      stream,
      `${called} has version ${aggregateVersion}, where ${version + 1} comes next.`,
    );
}

/** @throws {EventStreamError} unless the events follow `version`, each with an id of its own. */
export function requireSequence(stream: StreamId, version: number, events: readonly DomainEvent[]): void {
  const ids = new Set<string>();
  for (const [at, event] of events.entries()) {
    requireNext(stream, version + at, event);
    if (ids.has(event.eventId))
      throw new EventStreamError(stream, `two events have the id ${event.eventId}.`);
    ids.add(event.eventId);
  }
}

/** @throws {ConfigurationError} unless it is 0 or more. */
export function requireVersion(name: string, version: number): void {
  if (!Number.isSafeInteger(version) || version < 0)
    throw new ConfigurationError(`${name} must be an integer of 0 or more, not ${String(version)}.`);
}
