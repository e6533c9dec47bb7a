import type { ConnectionOptions } from 'node:tls';
import { z } from 'zod';
import { ConfigurationError } from '../../errors.ts';

const EXCHANGE_TYPES = ['topic', 'direct', 'fanout', 'headers'] as const;

/** What AMQP allows a name, a routing key or a tag. */
export const MOST_BYTES = 255;

export const hasControlCharacters = (text: string): boolean => /\p{Cc}/u.test(text);

export type ExchangeType = (typeof EXCHANGE_TYPES)[number];

/** The options that only RabbitMQ has; the bus adds its own. */
export const rabbitOptionsSchema = z.strictObject({
  /** `amqp://[user:password@]host[:port][/vhost]`, or `amqps://` for TLS (amqp://guest:guest@localhost:5672). */
  rabbitmqUrl: z
    .string()
    .refine((url) => /^amqps?:\/\//.test(url) && URL.canParse(url), 'must be an amqp:// or amqps:// URL')
    .default('amqp://guest:guest@localhost:5672'),
  /** Events go to this exchange, with the routing key `{aggregateType}.{eventType}` ('events'). */
  exchangeName: z
    .string()
    .min(1)
    .refine((name) => Buffer.byteLength(name) <= 200, 'must have at most 200 bytes')
    // RabbitMQ leaves line breaks out of the name when it declares, and then doesn't find it.
    .refine((name) => !hasControlCharacters(name), 'must have no control characters')
    .default('events'),
  /** How the exchange picks queues ('topic'). All of them give a group what its subscriptions ask for, but 'fanout' everything. */
  exchangeType: z.enum(EXCHANGE_TYPES).default('topic'),
  /** Most deliveries that one consumer holds unsettled, 1 to 65,535 (64). */
  prefetchCount: z.int().min(1).max(65_535).default(64),
  /**
   * 'quorum' is replicated and counts deliveries; 'classic' is declared exactly as eventsource-py declares a group's queue,
   * its dead letters by way of the exchange `{exchangeName}_dlq`, so that both can consume from one ('quorum').
   */
  queueType: z.enum(['quorum', 'classic']).default('quorum'),
  /** Binds the group's queue by this key alone, whatever is subscribed to. By default each subscription binds what it needs. */
  routingKeyPattern: z
    .string()
    .refine((key) => Buffer.byteLength(key) <= MOST_BYTES, `must have at most ${MOST_BYTES} bytes`)
    .optional(),
  /**
   * 'active' declares exchange, queues and bindings; 'passive' expects all of them to be there, for a user who may not
   * configure, and makes none: a missing one is a ConfigurationError, and which events the group's queue is given is up to
   * whoever bound it ('active').
   */
  declare: z.enum(['active', 'passive']).default('active'),
  /**
   * RabbitMQ's `consumer_timeout` in milliseconds, which a client can't ask for; Infinity where it is off. A handler that
   * may take as long is warned of, since RabbitMQ then takes its delivery back (1,800,000, RabbitMQ's own default).
   */
  consumerTimeoutMs: z.union([z.int().min(1), z.literal(Infinity)]).default(1_800_000),
  /** What publish does when no queue is bound to an event's routing key: reject, or warn once a key and count ('error'). */
  onUnroutable: z.enum(['error', 'warn']).default('error'),
  /** Milliseconds after which a dead letter is gone for good; kept for ever by default. */
  dlqMessageTtlMs: z.int().min(1).optional(),
  /** Most dead letters of a group; the oldest go. Not bounded by default. */
  dlqMaxLength: z.int().min(1).optional(),
  /** Seconds of silence after which either side begins to doubt the socket; two of them end it, 1 to 600 (5). */
  heartbeatSeconds: z.int().min(1).max(600).default(5),
  /** TLS settings as of `tls.connect` (`ca`; `cert` and `key` for mutual TLS), or true for its defaults; `amqps://` alone is the same as true. */
  tls: z
    .union([z.boolean(), z.custom<ConnectionOptions>((v) => typeof v === 'object' && v !== null)])
    .optional(),
  /** Milliseconds that opening the connection may take, more than 0, Infinity for no limit (10,000). */
  connectTimeoutMs: z.union([z.number().positive(), z.literal(Infinity)]).default(10_000),
  /** Broker deliveries of one message after which the bus gives it up; the queue's own limit lies 10 above it (20). */
  maxDeliveries: z.int().min(1).default(20),
  /** Retries wait at the broker, so that their queues are needed (false). */
  defersRetries: z.boolean().default(false),
});

/** @see rabbitOptionsSchema for ranges and defaults. */
export type RabbitTransportOptions = z.input<typeof rabbitOptionsSchema>;
/** The options with every default filled in. */
export type RabbitSettings = z.output<typeof rabbitOptionsSchema>;

/** @throws {ConfigurationError} naming the field and what is allowed; never a URL, which may hold a password. */
export function parseRabbitOptions(options: RabbitTransportOptions): RabbitSettings {
  const parsed = rabbitOptionsSchema.safeParse(options);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw new ConfigurationError(
    `RabbitMQ option "${issue?.path.join('.') ?? ''}": ${issue?.message ?? 'is wrong'}.`,
  );
}
