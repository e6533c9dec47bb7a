import type { DomainEvent } from '../contracts/event.ts';

/** The same event with `causationId` of the cause's id and its `correlationId`: a new object of the same type. */
export function withCausation<Event extends DomainEvent>(event: Event, cause: DomainEvent): Event {
  const copy = { ...event, causationId: cause.eventId, correlationId: cause.correlationId };
  // Unfrozen means written by hand and not checked yet: publish still has to.
  return Object.isFrozen(event) ? Object.freeze(copy) : copy;
}
