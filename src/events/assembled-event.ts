import type { DomainEvent } from '../contracts/event.ts';
import { ConfigurationError, EncodeError } from '../errors.ts';
import { finishEvent } from './built-event.ts';
import { isEnvelopeField, isReserved } from './envelope.ts';
import type { EventDraft } from './envelope.ts';
import { copyProperties } from './frozen-copy.ts';
import { placeIn } from './place.ts';

/**
 * Puts frozen copies of the payload's fields beside the envelope and freezes the whole.
 * @throws {EncodeError} when a field has an envelope name or no JSON form.
 */
export function assembleEvent(draft: EventDraft, payload: object): DomainEvent {
  for (const name of Object.keys(payload)) {
    if (isReserved(name)) {
      throw new EncodeError(`${draft.eventType}: ${clashText(name)}`, name);
    }
  }
  copyProperties(payload, draft, placeIn(draft.eventType, payload));
  return finishEvent(draft);
}

/** @throws {ConfigurationError} when a schema that shows its fields has one with an envelope name. */
export function refuseClashes(type: string, fields: readonly string[]): void {
  const clash = fields.find(isReserved);
  if (clash !== undefined) throw new ConfigurationError(`defineEvent("${type}"): ${clashText(clash)}`);
}

const clashText = (name: string): string =>
  `the payload field "${name}" has the name of an envelope field; give it another name.`;

/**
 * The fields of a flat event that aren't its envelope, in their order.
 * @throws {EncodeError} on a field called `__proto__`.
 */
export function payloadOf(event: object): Record<string, unknown> {
  const payload: Record<string, unknown> = {};
  for (const name of Object.keys(event)) {
    if (isEnvelopeField(name)) continue;
    if (name === '__proto__') throw new EncodeError('A payload field can\'t be called "__proto__".', name);
    payload[name] = (event as Record<string, unknown>)[name];
  }
  return payload;
}
