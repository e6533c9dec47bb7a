import type { Headers, Message, MessageAttributes } from '../../contracts/message.ts';

/** Fields of an entry, name and value in turn, as Redis hands them out. */
export type FlatFields = readonly string[];

/** Marks what of an entry is header and not envelope: ours are called `x-…`, a user's get this in front. */
const USER_HEADER = 'h:';
const NO_HEADERS: Headers = Object.freeze({});
/** What eventsource-py adds to its dead letters. */
const NEIGHBOUR_FIELDS: ReadonlySet<string> = new Set([
  'original_message_id',
  'retry_count',
  'dlq_timestamp',
]);

export function isNeighbourField(name: string): boolean {
  return NEIGHBOUR_FIELDS.has(name);
}

/** Field name of a header. */
export function headerField(name: string): string {
  return name.startsWith('x-') ? name : USER_HEADER + name;
}

export function headerFields(headers: Headers): string[] {
  const fields: string[] = [];
  for (const name in headers) fields.push(headerField(name), headers[name] as string);
  return fields;
}

/** The entry that stands for a message, in the order and spelling of eventsource-py. */
export function toFields(message: Message): (string | Buffer)[] {
  const { attributes, body } = message;
  const fields: (string | Buffer)[] = [
    'event_id',
    message.id,
    'event_type',
    message.type,
    'aggregate_id',
    message.key,
    'aggregate_type',
    attributes.aggregateType ?? '',
    'tenant_id',
    attributes.tenantId ?? '',
    'occurred_at',
    attributes.occurredAt ?? '',
    'payload',
    typeof body === 'string' ? body : Buffer.from(body.buffer, body.byteOffset, body.byteLength),
  ];
  for (const name in message.headers) fields.push(headerField(name), message.headers[name] as string);
  return fields;
}

/** Reads an entry; what is missing becomes empty, so that a foreign entry reaches the decoder and its dead letters. */
export function fromFields(fields: FlatFields): Message & { readonly body: string } {
  let id = '';
  let type = '';
  let key = '';
  let aggregateType: string | undefined;
  let tenantId = '';
  let occurredAt: string | undefined;
  let body = '';
  let headers: Record<string, string> | undefined;
  for (let i = 0; i + 1 < fields.length; i += 2) {
    const name = fields[i] as string;
    const value = fields[i + 1] as string;
    switch (name) {
      case 'event_id':
        id = value;
        break;
      case 'event_type':
        type = value;
        break;
      case 'aggregate_id':
        key = value;
        break;
      case 'aggregate_type':
        aggregateType = value;
        break;
      case 'tenant_id':
        tenantId = value;
        break;
      case 'occurred_at':
        occurredAt = value;
        break;
      case 'payload':
        body = value;
        break;
      default: {
        const header = headerName(name);
        if (header !== undefined) define((headers ??= {}), header, value);
      }
    }
  }
  return {
    id,
    type,
    key,
    attributes: attributesOf(aggregateType, occurredAt, tenantId),
    headers: headers ?? NO_HEADERS,
    body,
  };
}

function attributesOf(
  aggregateType: string | undefined,
  occurredAt: string | undefined,
  tenantId: string,
): MessageAttributes {
  // The usual two shapes as literals: this runs once for every entry read.
  if (aggregateType && occurredAt) {
    return tenantId === '' ? { aggregateType, occurredAt } : { aggregateType, occurredAt, tenantId };
  }
  return {
    ...(aggregateType ? { aggregateType } : undefined),
    ...(occurredAt ? { occurredAt } : undefined),
    ...(tenantId === '' ? undefined : { tenantId }),
  };
}

function headerName(field: string): string | undefined {
  if (field.startsWith(USER_HEADER)) return field.slice(USER_HEADER.length);
  return field.startsWith('x-') || isNeighbourField(field) ? field : undefined;
}

/** Plain assignment of a header called `__proto__` would set the prototype. */
function define(headers: Record<string, string>, name: string, value: string): void {
  Object.defineProperty(headers, name, { value, enumerable: true, configurable: true, writable: true });
}

/** Reads an entry fetched as buffers; the body stays the bytes it was stored as. */
export function fromBufferFields(fields: readonly Buffer[]): Message & { readonly body: Buffer } {
  const message = fromFields(fields.map((field) => field.toString('utf8')));
  return { ...message, body: payloadBytes(fields) ?? Buffer.alloc(0) };
}

export function payloadBytes(fields: readonly Buffer[]): Buffer | undefined {
  // The last one wins, as in fromFields.
  for (let i = fields.length - 2; i >= 0; i -= 2) {
    if (fields[i]?.toString('utf8') === 'payload') return fields[i + 1];
  }
  return undefined;
}

/** Whether decoding may have swallowed bytes: then only the raw bytes can tell. */
export function maybeInvalid(body: string): boolean {
  return body.includes('\uFFFD');
}
