import type { DomainEvent } from '../contracts/event.ts';
import { EncodeError } from '../errors.ts';
import { isBuilt } from './built-event.ts';
import type { EventRegistry } from './registry.ts';

/**
 * An event as `defineEvent` makes it; one that is that already is returned as it is. One written by hand, such as a
 * spread copy with a change, frozen or not, is built anew by the definition of its type.
 * @throws {EncodeError} when it has no definition or isn't what that asks for.
 */
export function sealEvent(event: DomainEvent, registry: EventRegistry): DomainEvent {
  if (isBuilt(event)) return event;
  let definition;
  try {
    definition = registry.get(event.eventType);
  } catch (error) {
    throw new EncodeError(
      `An event that wasn't built by a definition needs one. ${String(error)}`,
      'eventType',
      error,
    );
  }
  return definition(event as never);
}
