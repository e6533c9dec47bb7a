import type { ConsumeMessage, MessageProperties, Options } from 'amqplib';
import type { Headers, Message, MessageAttributes } from '../../contracts/message.ts';

type RawHeaders = Readonly<Record<string, unknown>>;

const NO_HEADERS: Headers = Object.freeze({});

/** Headers that repeat the envelope, in eventsource-py's spelling. */
const ENVELOPE: ReadonlySet<string> = new Set([
  'event_type',
  'aggregate_type',
  'aggregate_id',
  'aggregate_version',
  'tenant_id',
  'actor_id',
  'correlation_id',
  'causation_id',
]);

/** What brokers, and eventsource-py's retries, write beside a message; published again it would be wrong or refused. */
const BROKERS: ReadonlySet<string> = new Set([
  'x-retry-count',
  'x-last-retry-at',
  'x-death',
  'x-first-death-exchange',
  'x-first-death-queue',
  'x-first-death-reason',
  'x-last-death-exchange',
  'x-last-death-queue',
  'x-last-death-reason',
  'x-delivery-count',
  'x-acquired-count',
  'CC',
  'BCC',
]);

/** A message as RabbitMQ carries it; what the header table says is read when it is asked for. */
export class RabbitMessage implements Message {
  readonly headers: Headers;
  readonly body: Buffer;
  readonly properties: MessageProperties;
  readonly #raw: RawHeaders;

  constructor({ properties, content }: Pick<ConsumeMessage, 'properties' | 'content'>) {
    this.properties = properties;
    this.#raw = (properties.headers ?? {}) as RawHeaders;
    this.body = content;
    this.headers = headersOf(this.#raw);
  }

  get id(): string {
    const id: unknown = this.properties.messageId;
    return typeof id === 'string' ? id : '';
  }

  get type(): string {
    return textOf(this.#raw['event_type']) ?? '';
  }

  get key(): string {
    return textOf(this.#raw['aggregate_id']) ?? '';
  }

  get attributes(): MessageAttributes {
    const raw = this.#raw;
    const version = raw['aggregate_version'];
    const { timestamp } = this.properties as { readonly timestamp?: unknown };
    const attributes: Record<string, unknown> = {
      // Whole seconds, as AMQP keeps them.
      occurredAt: typeof timestamp === 'number' ? isoOf(timestamp) : undefined,
      aggregateType: textOf(raw['aggregate_type']),
      aggregateVersion: typeof version === 'number' ? version : undefined,
      tenantId: textOf(raw['tenant_id']),
      actorId: textOf(raw['actor_id']),
      correlationId: textOf(raw['correlation_id']),
      causationId: textOf(raw['causation_id']),
    };
    return Object.fromEntries(Object.entries(attributes).filter(([, value]) => value !== undefined));
  }

  /** How often it was handed to the group before; undefined where the queue keeps no count or this is the first time. */
  get deliveredBefore(): number | undefined {
    const count = this.#raw['x-delivery-count'];
    return typeof count === 'number' ? count : undefined;
  }

  /** A header as the broker has it, whatever its type. */
  raw(name: string): unknown {
    return this.#raw[name];
  }
}

/** The header table of a message, in the order and spelling of eventsource-py; users' own headers stand beside it. */
export function toProperties({ id, type, key, attributes, headers }: Message): Options.Publish {
  const { aggregateType, aggregateVersion, tenantId, actorId, correlationId, causationId } = attributes;
  const table: Record<string, unknown> = { ...headers };
  if (type !== '') table['event_type'] = type;
  if (aggregateType !== undefined) table['aggregate_type'] = aggregateType;
  if (key !== '') table['aggregate_id'] = key;
  if (aggregateVersion !== undefined) table['aggregate_version'] = aggregateVersion;
  table['x-retry-count'] = 0;
  if (tenantId !== undefined) table['tenant_id'] = tenantId;
  if (actorId !== undefined) table['actor_id'] = actorId;
  if (correlationId !== undefined) table['correlation_id'] = correlationId;
  if (causationId !== undefined) table['causation_id'] = causationId;
  const { occurredAt } = attributes;
  return {
    persistent: true,
    contentType: 'application/json',
    contentEncoding: 'utf-8',
    ...(id === '' ? {} : { messageId: id }),
    ...(occurredAt === undefined ? {} : { timestamp: Math.floor(Date.parse(occurredAt) / 1000) }),
    headers: table,
  };
}

/** The same message once more, with these headers instead of its own: whatever else a publisher gave it stays. */
export function copyProperties(message: RabbitMessage, headers: Headers): Options.Publish {
  const { attributes, key, type, properties } = message;
  const { headers: table } = toProperties({ id: '', type, key, attributes, headers, body: '' });
  const given = COPIED.filter((name) => properties[name] !== undefined);
  return {
    ...Object.fromEntries(given.map((name) => [name, properties[name] as unknown])),
    persistent: true,
    headers: table,
  };
}

const COPIED = [
  'contentType',
  'contentEncoding',
  'messageId',
  'timestamp',
  'correlationId',
  'type',
  'appId',
] as const;

export const bytesOf = (body: string | Uint8Array): Buffer =>
  typeof body === 'string' ? Buffer.from(body) : Buffer.from(body.buffer, body.byteOffset, body.byteLength);

/** Those of the user and of the bus. A table may hold anything; what is no text, number or truth is left out. */
function headersOf(raw: RawHeaders): Headers {
  let headers: Record<string, string> | undefined;
  for (const name of Object.keys(raw)) {
    if (ENVELOPE.has(name) || BROKERS.has(name)) continue;
    const text = textOf(raw[name]);
    if (text === undefined) continue;
    // A header called `__proto__` would set the prototype if it were assigned.
    Object.defineProperty((headers ??= {}), name, {
      value: text,
      enumerable: true,
      configurable: true,
      writable: true,
    });
  }
  return headers ?? NO_HEADERS;
}

/** Undefined for what no date can say: anybody may write anything there. */
function isoOf(seconds: number): string | undefined {
  const date = new Date(seconds * 1000);
  return Number.isNaN(date.getTime()) ? undefined : date.toISOString();
}

function textOf(value: unknown): string | undefined {
  if (typeof value === 'string') return value;
  return typeof value === 'number' || typeof value === 'boolean' ? String(value) : undefined;
}
