import type { DomainEvent } from '../contracts/event.ts';
import { isEnvelopeField } from './envelope.ts';
import type { PayloadKeys } from './payload-keys.ts';

/**
 * The body of a sealed event: flat JSON, the envelope in snake_case and in the order of eventsource-py, then the
 * payload. Put together by hand, because only so the order is ours and no second object is needed.
 * @param time `occurredAt` without a zone suffix.
 */
export function writeBody(event: DomainEvent, time: string, keys: PayloadKeys | undefined): string {
  let body =
    `{"event_id":${quote(event.eventId)},"event_type":${quote(event.eventType)}` +
    `,"event_version":${event.eventVersion},"occurred_at":"${time}Z"` +
    `,"aggregate_id":${quote(event.aggregateId)},"aggregate_type":${quote(event.aggregateType)}` +
    `,"aggregate_version":${event.aggregateVersion},"tenant_id":${quoteOrNull(event.tenantId)}` +
    `,"actor_id":${quoteOrNull(event.actorId)},"correlation_id":${quote(event.correlationId)}` +
    `,"causation_id":${quoteOrNull(event.causationId)},"metadata":${JSON.stringify(event.metadata)}`;
  const fields = event as unknown as Readonly<Record<string, unknown>>;
  for (const name of Object.keys(fields)) {
    if (isEnvelopeField(name)) continue;
    const value = fields[name];
    body +=
      keys === undefined
        ? `,${quote(name)}:${json(value)}`
        : `,${quote(keys.toWire(name))}:${json(keys.valueToWire(value, name))}`;
  }
  return `${body}}`;
}

function json(value: unknown): string {
  if (typeof value === 'string') return quote(value);
  return typeof value === 'number' ? String(value) : JSON.stringify(value);
}

const quoteOrNull = (text: string | undefined): string => (text === undefined ? 'null' : quote(text));

/** Anything that JSON would escape, or that isn't ASCII. */
const special = /[^ !#-[\]-~]/;

/** Short plain text, which ids and keys are, needs no escaping: twice as fast as JSON.stringify. */
function quote(text: string): string {
  return text.length > 256 || special.test(text) ? JSON.stringify(text) : `"${text}"`;
}
