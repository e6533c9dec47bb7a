import type { DomainEvent } from '../contracts/event.ts';
import { finishEvent, isBuilt } from './built-event.ts';

/** The same event with `causationId` of the cause's id and its `correlationId`: a new object of the same type. */
export function withCausation<Event extends DomainEvent>(event: Event, cause: DomainEvent): Event {
  const copy = { ...event, causationId: cause.eventId, correlationId: cause.correlationId };
  // One written by hand isn't checked yet: publish still has to.
  return isBuilt(event) ? finishEvent(copy) : copy;
}
