import type { DomainEvent } from '../contracts/event.ts';
import type { Message } from '../contracts/message.ts';
import { assembleEvent } from './assembled-event.ts';
import {
  emptyMetadata,
  frozenMetadata,
  isAggregateType,
  isCount,
  isText,
  isWireEnvelopeField,
} from './envelope.ts';
import type { EventDraft } from './envelope.ts';
import type { AnyEventDefinition } from './event-definition.ts';
import type { PayloadKeys } from './payload-keys.ts';
import { payloadParser } from './payload-schema.ts';
import type { PayloadParser } from './payload-schema.ts';
import type { EventRegistry } from './registry.ts';
import { parseTime } from './wire-time.ts';
import { quoted, wrongField } from './wrong-field.ts';

type Body = Readonly<Record<string, unknown>>;

const strictUtf8 = new TextDecoder('utf-8', { fatal: true });
const REPLACEMENT = '\uFFFD';
const BYTE_ORDER_MARK = '\uFEFF';

/** Reads messages of the types in one registry. Throws whatever is wrong; the codec makes DecodeErrors of it. */
export function bodyReader(options: {
  readonly registry: EventRegistry;
  readonly validates: boolean;
  readonly keys: PayloadKeys | undefined;
}): (message: Message) => DomainEvent {
  const { registry, validates, keys } = options;
  const parsers = new WeakMap<AnyEventDefinition, PayloadParser>();

  function parserOf(definition: AnyEventDefinition): PayloadParser {
    let parser = parsers.get(definition);
    if (parser === undefined) {
      parser = payloadParser(definition.type, definition.schema);
      parsers.set(definition, parser);
    }
    return parser;
  }

  return (message) => {
    const body = parseBody(message.body);
    const definition = registry.get(typeOf(message, body));
    const draft = readEnvelope(body, definition);
    let payload: unknown = payloadOf(body, keys);
    if (draft.eventVersion < definition.version && definition.upcast !== undefined) {
      payload = definition.upcast(payload as Record<string, unknown>, draft.eventVersion);
      draft.eventVersion = definition.version;
    }
    if (validates) {
      payload = parserOf(definition)(payload, ({ text, issues }) => {
        // Of some libraries an issue holds the value, too.
        const told = issues.map(({ message: issue, path }) => ({ message: issue, path }));
        return new TypeError(text, { cause: told });
      });
    }
    if (!isObject(payload)) throw new TypeError('the upcast payload is not an object');
    return assembleEvent(draft, payload);
  };
}

function parseBody(body: string | Uint8Array): Body {
  const parsed = parseJson(typeof body === 'string' ? body : textOf(body));
  if (!isObject(parsed)) throw new TypeError('the body is not a JSON object');
  return parsed;
}

function parseJson(json: string): unknown {
  try {
    return JSON.parse(json) as unknown;
  } catch (error) {
    throw notJson(json, (error as SyntaxError).message);
  }
}

/** What the engine says may quote the body, which is nothing for a log; a position is in those of its texts that don't. */
function notJson(json: string, said: string): TypeError {
  const position = / in JSON at (position \d+)(?: \(line \d+ column \d+\))?$/.exec(said)?.[1];
  const end = said.startsWith('Unexpected end') ? 'its end' : undefined;
  return new TypeError(
    `the body is not JSON: ${position ?? end ?? 'somewhere'} in ${json.length} characters`,
  );
}

/**
 * Buffer decodes several times faster than a strict decoder, but replaces what is no UTF-8 without a word. Only a text
 * with a replacement character can hide that, or one with a byte order mark, which Buffer keeps: those are decoded again.
 */
function textOf(bytes: Uint8Array): string {
  const buffer = Buffer.isBuffer(bytes)
    ? bytes
    : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const text = buffer.toString('utf8');
  return text.includes(REPLACEMENT) || text.startsWith(BYTE_ORDER_MARK) ? strictUtf8.decode(bytes) : text;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function typeOf(message: Message, body: Body): string {
  const type = body['event_type'] ?? message.type;
  if (!isText(type)) throw wrongField('event_type', type, 'a non-empty string');
  if (message.type !== '' && message.type !== type) {
    throw new TypeError(
      `the body says event_type ${quoted(type)}, the message around it ${quoted(message.type)}`,
    );
  }
  return type;
}

function readEnvelope(body: Body, definition: AnyEventDefinition): EventDraft {
  const { metadata } = body;
  const occurredAt = parseTime(body['occurred_at']);
  if (occurredAt === undefined) throw wrongField('occurred_at', body['occurred_at'], 'an ISO 8601 time');
  const aggregateType = text(body, 'aggregate_type', definition.aggregateType);
  if (!isAggregateType(aggregateType)) {
    throw new TypeError('aggregate_type must be letters, digits, "_", "." and "-" alone');
  }
  if (metadata != null && !isObject(metadata)) throw wrongField('metadata', metadata, 'an object');
  const draft: EventDraft = {
    eventId: text(body, 'event_id'),
    eventType: definition.type,
    eventVersion: count(body, 'event_version'),
    occurredAt: Object.freeze(occurredAt),
    aggregateId: text(body, 'aggregate_id'),
    aggregateType,
    aggregateVersion: count(body, 'aggregate_version'),
    correlationId: text(body, 'correlation_id'),
    metadata:
      metadata == null || Object.keys(metadata).length === 0
        ? emptyMetadata
        : frozenMetadata(definition.type, metadata),
  };
  const tenantId = optionalText(body, 'tenant_id');
  if (tenantId !== undefined) draft.tenantId = tenantId;
  const actorId = optionalText(body, 'actor_id');
  if (actorId !== undefined) draft.actorId = actorId;
  const causationId = optionalText(body, 'causation_id');
  if (causationId !== undefined) draft.causationId = causationId;
  return draft;
}

function payloadOf(body: Body, keys: PayloadKeys | undefined): Record<string, unknown> {
  const payload: Record<string, unknown> = {};
  for (const name of Object.keys(body)) {
    if (isWireEnvelopeField(name)) continue;
    // Assigning it would set the prototype instead.
    if (name === '__proto__') throw new TypeError('a payload field is called "__proto__"');
    payload[name] = body[name];
  }
  return keys === undefined ? payload : keys.fromWire(payload);
}

function text(body: Body, name: string, otherwise?: string): string {
  const value = body[name] ?? otherwise;
  if (!isText(value)) throw wrongField(name, value, 'a non-empty string');
  return value;
}

/** Null and the empty string, which Redis fields have for null, mean that there is none. */
function optionalText(body: Body, name: string): string | undefined {
  const value = body[name];
  if (value === null || value === undefined || value === '') return undefined;
  if (!isText(value)) throw wrongField(name, value, 'a string or null');
  return value;
}

function count(body: Body, name: string): number {
  const value = body[name] ?? 1;
  if (!isCount(value)) throw wrongField(name, value, 'an integer of 1 or more');
  return value;
}
