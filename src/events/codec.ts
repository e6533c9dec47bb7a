import type { DomainEvent } from '../contracts/event.ts';
import type { Headers, Message, MessageAttributes } from '../contracts/message.ts';
import { ConfigurationError, DecodeError } from '../errors.ts';
import { bodyReader } from './body-reader.ts';
import { writeBody } from './body-writer.ts';
import { snakeCaseKeys } from './payload-keys.ts';
import { defaultRegistry } from './registry.ts';
import type { EventRegistry } from './registry.ts';
import { sealEvent } from './sealed-event.ts';
import { formatTime } from './wire-time.ts';

export interface CodecOptions {
  /** `defaultRegistry` unless given. */
  readonly registry?: EventRegistry | undefined;
  /**
   * `'both'` (default): what is decoded has been parsed by its schema. `'publish'` leaves that out, for those who
   * trust their producers: then defaults, transforms and coercions (Dates) of the schema don't happen either.
   */
  readonly validateOn?: 'both' | 'publish' | undefined;
  /**
   * `'as-written'` (default), or `'snake_case'` for a Python neighbour: `customerId` is `customer_id` on the wire, in
   * nested objects too.
   */
  readonly payloadKeys?: 'as-written' | 'snake_case' | undefined;
}

/** Between events and the messages that brokers carry; the wire format is that of eventsource-py. */
export interface Codec {
  /**
   * @param headers user headers, carried beside the event; none unless given.
   * @throws {EncodeError} when an event that no definition built isn't valid; `path` says where.
   */
  encode(event: DomainEvent, headers?: Headers): Message;
  /**
   * Returns a deeply frozen event. Fields of the body that the schema doesn't know stay only if the schema keeps
   * them. An event of a newer version than the definition's is left to the schema.
   * @throws {DecodeError} whatever the reason, which is its `cause`.
   */
  decode(message: Message): DomainEvent;
}

const noHeaders: Headers = Object.freeze({});

export function createCodec(options: CodecOptions = {}): Codec {
  const { registry = defaultRegistry, validateOn = 'both', payloadKeys = 'as-written' } = options;
  requireOneOf('validateOn', validateOn, ['both', 'publish']);
  requireOneOf('payloadKeys', payloadKeys, ['as-written', 'snake_case']);
  const keys = payloadKeys === 'snake_case' ? snakeCaseKeys : undefined;
  const read = bodyReader({ registry, validates: validateOn === 'both', keys });

  return {
    encode(given, headers = noHeaders) {
      const event = sealEvent(given, registry);
      const time = formatTime(event.occurredAt);
      return {
        id: event.eventId,
        type: event.eventType,
        key: event.aggregateId,
        attributes: attributesOf(event, time),
        headers,
        body: writeBody(event, time, keys),
      };
    },
    decode(message) {
      try {
        return read(message);
      } catch (cause) {
        const name = `${message.type || 'of unknown type'} ${message.id}`.trimEnd();
        throw new DecodeError(`Message ${name} can't be decoded: ${reasonOf(cause)}`, cause);
      }
    },
  };
}

function attributesOf(event: DomainEvent, time: string): MessageAttributes {
  const attributes: { -readonly [Name in keyof MessageAttributes]: MessageAttributes[Name] } = {
    aggregateType: event.aggregateType,
    aggregateVersion: event.aggregateVersion,
    occurredAt: `${time}+00:00`,
    correlationId: event.correlationId,
  };
  if (event.tenantId !== undefined) attributes.tenantId = event.tenantId;
  if (event.actorId !== undefined) attributes.actorId = event.actorId;
  if (event.causationId !== undefined) attributes.causationId = event.causationId;
  return attributes;
}

const reasonOf = (cause: unknown): string => (cause instanceof Error ? cause.message : String(cause));

function requireOneOf(option: string, value: unknown, allowed: readonly string[]): void {
  if (!allowed.includes(value as string)) {
    throw new ConfigurationError(`${option} must be ${allowed.join(' or ')}, not ${String(value)}.`);
  }
}
