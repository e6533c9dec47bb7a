import type { Headers, Message, MessageAttributes } from '../../contracts/message.ts';
import type { IncomingHeaders, IncomingRecord, OutgoingRecord } from './driver.ts';

/** Headers that repeat the envelope, in eventsource-py's spelling. */
const ENVELOPE: ReadonlySet<string> = new Set([
  'event_id',
  'event_type',
  'aggregate_id',
  'aggregate_type',
  'aggregate_version',
  'occurred_at',
  'correlation_id',
  'tenant_id',
  'causation_id',
  'actor_id',
]);

/** Stands before a user's header that is called as one of the envelope, begins with this itself, or can't be a plain field. */
const USER_HEADER = 'h:';
const NO_HEADERS: Headers = Object.freeze({});

/** The record that stands for a message, its headers in the order and spelling of eventsource-py. */
export function toRecord({ id, type, key, attributes, headers, body }: Message): OutgoingRecord {
  const written: Record<string, string> = {};
  const { aggregateType, aggregateVersion, occurredAt } = attributes;
  if (id !== '') written['event_id'] = id;
  if (type !== '') written['event_type'] = type;
  if (key !== '') written['aggregate_id'] = key;
  if (aggregateType !== undefined) written['aggregate_type'] = aggregateType;
  if (aggregateVersion !== undefined) written['aggregate_version'] = String(aggregateVersion);
  if (occurredAt !== undefined) written['occurred_at'] = occurredAt;
  if (attributes.correlationId !== undefined) written['correlation_id'] = attributes.correlationId;
  if (attributes.tenantId !== undefined) written['tenant_id'] = attributes.tenantId;
  if (attributes.causationId !== undefined) written['causation_id'] = attributes.causationId;
  if (attributes.actorId !== undefined) written['actor_id'] = attributes.actorId;
  for (const name in headers) written[headerOnWire(name)] = headers[name] as string;
  return {
    key: key === '' ? null : key,
    value: typeof body === 'string' ? body : Buffer.from(body.buffer, body.byteOffset, body.byteLength),
    headers: written,
  };
}

/** A message as Kafka carries it; what its headers say is read when it is asked for. */
export class KafkaMessage implements Message {
  readonly #record: IncomingRecord;
  readonly #written: IncomingHeaders;
  readonly type: string;
  #key: string | undefined;
  #headers: Headers | undefined;

  constructor(record: IncomingRecord) {
    this.#record = record;
    this.#written = record.headers;
    this.type = this.#written.get('event_type') ?? '';
  }

  get id(): string {
    return this.#written.get('event_id') ?? '';
  }

  get recordKey(): string | undefined {
    return this.#record.key?.toString('utf8');
  }

  /** The record's own key, which is what parts it goes by. */
  get key(): string {
    return (this.#key ??= this.recordKey ?? this.#written.get('aggregate_id') ?? '');
  }

  get body(): Buffer {
    return this.#record.value ?? EMPTY;
  }

  get headers(): Headers {
    return (this.#headers ??= headersOf(this.#written));
  }

  get attributes(): MessageAttributes {
    const written = this.#written;
    const version = Number(written.get('aggregate_version') ?? NaN);
    const attributes: Record<string, unknown> = {
      aggregateType: written.get('aggregate_type'),
      aggregateVersion: Number.isInteger(version) ? version : undefined,
      occurredAt: written.get('occurred_at'),
      tenantId: written.get('tenant_id'),
      actorId: written.get('actor_id'),
      correlationId: written.get('correlation_id'),
      causationId: written.get('causation_id'),
    };
    return Object.fromEntries(Object.entries(attributes).filter(([, value]) => value !== undefined));
  }
}

const EMPTY = Buffer.alloc(0);

function headersOf(written: IncomingHeaders): Headers {
  let found: Record<string, string> | undefined;
  for (const name of written.names) {
    if (ENVELOPE.has(name)) continue;
    const value = written.get(name);
    if (value === undefined) continue;
    // A header called `__proto__` would set the prototype if it were assigned.
    Object.defineProperty(
      (found ??= {}),
      name.startsWith(USER_HEADER) ? name.slice(USER_HEADER.length) : name,
      {
        value,
        enumerable: true,
        configurable: true,
        writable: true,
      },
    );
  }
  return found ?? NO_HEADERS;
}

function headerOnWire(name: string): string {
  const isTaken = ENVELOPE.has(name) || name.startsWith(USER_HEADER) || name === '__proto__';
  return isTaken ? USER_HEADER + name : name;
}
