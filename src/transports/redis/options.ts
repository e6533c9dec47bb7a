import type { Redis, RedisOptions } from 'ioredis';
import { z } from 'zod';
import { ConfigurationError } from '../../errors.ts';

/** What a socket is for: blocking reads, or everything else. */
export type LinkRole = 'reader' | 'commands';

/** What a client must be made with, so that it neither reconnects nor queues nor resends by itself. */
export type LinkSettings = Omit<RedisOptions, 'replyMapping'> & { readonly replyMapping: 'legacy' };

/**
 * Makes one ioredis client for us to own and close. Spread `settings` into its options: a client that would reconnect,
 * queue or resend by itself is refused with a ConfigurationError.
 */
export type RedisFactory = (role: LinkRole, settings: LinkSettings) => Redis;

/** Named, because inferred it would spell out type arguments of `Redis` that ioredis 5 doesn't know. */
export interface RedisOptionSchema extends z.ZodType<Redis | RedisFactory, Redis | RedisFactory> {}

const redisOption: RedisOptionSchema = z.custom<Redis | RedisFactory>(
  (value) =>
    typeof value === 'function' ||
    (typeof value === 'object' && value !== null && 'duplicate' in value && 'options' in value),
  'must be an ioredis client or a function (role, settings) => Redis',
);

const positive = (max: number) => z.int().min(1).max(max);

/** The options that only Redis has; the bus adds its own. */
export const redisOptionsSchema = z.strictObject({
  /** `redis://[user:password@]host[:port][/db]`, or `rediss://` for TLS (redis://localhost:6379). */
  redisUrl: z
    .string()
    .refine((url) => /^rediss?:\/\//.test(url) && URL.canParse(url), 'must be a redis:// or rediss:// URL')
    .optional(),
  /** Instead of `redisUrl`: a client, whose settings are copied and which stays yours, or a factory. */
  redis: redisOption.optional(),
  /** Events go to `{streamPrefix}:stream` ('events'). A cluster needs a hash tag in it, such as `{events}`. */
  streamPrefix: z.string().min(1).default('events'),
  /** Stands in front of every key; not the same as ioredis' own, which can't reach into scripts (''). */
  keyPrefix: z.string().optional(),
  /** Most entries asked for by one read, 1 to 1000 (100); twice as many may be pulled and unsettled. */
  batchSize: positive(1000).default(100),
  /** How long one read waits for entries, in milliseconds, 1 to 60,000 (5000). A socket silent for longer is given up. */
  blockMs: positive(60_000).default(5000),
  /** Milliseconds until what a dead consumer left is taken over, 100 or more (60,000); renewed while a handler works. */
  pendingIdleMs: z.int().min(100).max(86_400_000).default(60_000),
  /** Dead letters go to `{streamPrefix}:stream{dlqStreamSuffix}` ('_dlq'). */
  dlqStreamSuffix: z
    .string()
    .min(1)
    .refine((suffix) => !suffix.startsWith(':group:'), 'must not begin with ":group:", which replays use')
    .default('_dlq'),
  /** 'handled' removes what every group has acknowledged; 'off' keeps all ('off'). */
  trim: z.enum(['off', 'handled']).default('off'),
  /** Cuts the stream to about so many entries, whether they were handled or not: this LOSES events of slow groups. */
  dangerouslyMaxLength: z.int().min(1).optional(),
  /** TLS settings as of `tls.connect`, or true for its defaults; `rediss://` alone is the same as true. */
  tls: z
    .union([
      z.boolean(),
      z.custom<NonNullable<RedisOptions['tls']>>((v) => typeof v === 'object' && v !== null),
    ])
    .optional(),
  /** Milliseconds that opening one socket may take, more than 0, Infinity for the driver's own limit (10,000). */
  connectTimeoutMs: z.union([z.number().positive(), z.literal(Infinity)]).default(10_000),
});

/** @see redisOptionsSchema for ranges and defaults. */
export type RedisTransportOptions = z.input<typeof redisOptionsSchema>;
/** The options with every default filled in. */
export type RedisSettings = z.output<typeof redisOptionsSchema>;

/** @throws {ConfigurationError} naming the field, its value and what is allowed. */
export function parseRedisOptions(options: RedisTransportOptions): RedisSettings {
  const parsed = redisOptionsSchema.safeParse(options);
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    const field = issue?.path.join('.') ?? '';
    const value = issue?.path.reduce<unknown>(
      (at, key) => (at as Record<PropertyKey, unknown>)?.[key],
      options,
    );
    // A URL may hold a password.
    const shown = field === 'redisUrl' || field === '' ? '' : ` (got ${describe(value)})`;
    throw new ConfigurationError(`Redis option "${field}"${shown}: ${issue?.message ?? 'is wrong'}.`);
  }
  if (
    parsed.data.redis !== undefined &&
    (parsed.data.redisUrl !== undefined || parsed.data.tls !== undefined)
  ) {
    throw new ConfigurationError(
      'Redis option "redis": give either a client or "redisUrl" and "tls", not both.',
    );
  }
  return parsed.data;
}

function describe(value: unknown): string {
  return typeof value === 'string' ? JSON.stringify(value) : String(value);
}
