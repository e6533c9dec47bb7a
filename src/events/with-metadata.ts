import type { DomainEvent } from '../contracts/event.ts';
import { finishEvent, isBuilt } from './built-event.ts';
import { frozenMetadata } from './envelope.ts';

/**
 * The same event with these entries added to its metadata, replacing those of the same name: a new object of the
 * same type.
 * @throws {EncodeError} when an entry isn't a JSON value; `path` begins with `metadata`.
 */
export function withMetadata<Event extends DomainEvent>(
  event: Event,
  metadata: Readonly<Record<string, unknown>>,
): Event {
  const copy = {
    ...event,
    metadata: frozenMetadata(event.eventType, { ...event.metadata, ...metadata }),
  };
  return isBuilt(event) ? finishEvent(copy) : copy;
}
