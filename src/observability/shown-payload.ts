import type { DomainEvent } from '../contracts/event.ts';
import type { Headers, Message } from '../contracts/message.ts';
import type { Payloads } from './inspection.ts';

const DEPTH = 6;
const KEYS = 50;

const ENVELOPE = new Set([
  'eventId',
  'eventType',
  'eventVersion',
  'occurredAt',
  'aggregateId',
  'aggregateType',
  'aggregateVersion',
  'tenantId',
  'actorId',
  'correlationId',
  'causationId',
  'metadata',
]);

/** An event as an observer may see it. */
export function shownEvent(event: Partial<DomainEvent>, headers: Headers, payloads: Payloads): object {
  const { eventType, eventId } = event;
  if (payloads === 'none') return { eventType, eventId };
  const entries = Object.entries(event);
  const payload = Object.fromEntries(entries.filter(([key]) => !ENVELOPE.has(key)));
  if (payloads === 'redacted')
    return {
      eventType,
      eventId,
      payload: typesOf(payload),
      metadata: typesOf(event.metadata),
      headers: typesOf(headers),
    };
  return { ...Object.fromEntries(entries.filter(([key]) => ENVELOPE.has(key))), payload, headers };
}

/** The same of an event that is encoded. */
export function shownMessage({ type, id, headers, body }: Message, payloads: Payloads): object {
  const shown = { eventType: type, eventId: id };
  if (payloads === 'none') return shown;
  return { ...shown, ...shownBody(body, headers, payloads) };
}

/** Body and headers as they are carried; undefined where there is nothing to be seen of them. */
export function shownBody(
  body: string | Uint8Array,
  headers: Headers,
  payloads: Payloads,
): { readonly body: unknown; readonly headers: unknown } | undefined {
  if (payloads === 'none') return undefined;
  const decoded = decodedBody(body);
  return payloads === 'full'
    ? { body: decoded, headers }
    : { body: typesOf(decoded), headers: typesOf(headers) };
}

function decodedBody(body: string | Uint8Array): unknown {
  const text = typeof body === 'string' ? body : Buffer.from(body).toString('utf8');
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return text;
  }
}

/** Keys with types for values; a list has the type of its first element and its length. */
export function typesOf(value: unknown, depth = DEPTH): unknown {
  if (value === null) return 'null';
  if (Array.isArray(value))
    return value.length === 0 ? 'empty list' : { list: value.length, of: typesOf(value[0], depth - 1) };
  if (value instanceof Date) return 'Date';
  if (typeof value !== 'object') return typeof value;
  if (depth <= 0) return 'object';
  const entries = Object.entries(value).slice(0, KEYS);
  return Object.fromEntries(entries.map(([key, inner]) => [key, typesOf(inner, depth - 1)]));
}
