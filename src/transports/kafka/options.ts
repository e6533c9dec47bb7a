import type { ConnectionOptions } from 'node:tls';
import { z } from 'zod';
import { ConfigurationError } from '../../errors.ts';
import { TOPIC_NAME } from './names.ts';

const COMPRESSIONS = ['none', 'gzip', 'snappy', 'lz4', 'zstd'] as const;
export type CompressionType = (typeof COMPRESSIONS)[number];

const saslSchema = z.discriminatedUnion('mechanism', [
  z.strictObject({
    mechanism: z.enum(['plain', 'scram-sha-256', 'scram-sha-512']),
    username: z.string().min(1),
    password: z.string(),
  }),
  z.strictObject({
    mechanism: z.literal('oauthbearer'),
    /** Asked for a token at each connection. */
    oauthBearerProvider: z.custom<() => Promise<{ value: string }>>(
      (value) => typeof value === 'function',
      'must be a function that resolves to { value }',
    ),
  }),
]);

/** An address as a broker tells it, or as it is reached from here. */
export interface KafkaAddress {
  readonly host: string;
  readonly port: number;
}

const milliseconds = (min: number) => z.int().min(min).max(2_147_483_647);

/** The options that only Kafka has; the bus adds its own. */
export const kafkaOptionsSchema = z.strictObject({
  /** `host:port`, several of them parted by commas or as a list (localhost:9092). */
  bootstrapServers: z
    .union([z.string(), z.array(z.string()).min(1)])
    .transform((servers) => (typeof servers === 'string' ? servers.split(',') : servers).map((s) => s.trim()))
    .refine(
      (servers) => servers.every((s) => /^[^\s:/@]+:\d{1,5}$/.test(s)),
      'must be host:port, parted by commas',
    )
    .default(['localhost:9092']),
  /** Events go to the topic `{topicPrefix}.stream` ('events'). */
  topicPrefix: z
    .string()
    .regex(TOPIC_NAME, 'must be letters, digits, dots, dashes and underscores')
    .max(100)
    .default('events'),
  /**
   * When a publish counts as stored: in all replicas in sync, in the leader, or once sent, which LOSES events ('all'). Dead
   * letters, replays and the marks of what is replayed or purged are stored in all of them whatever this says.
   */
  acks: z.enum(['all', 'leader', 'none']).default('all'),
  /**
   * Kafka's idempotent producer, which needs `acks` 'all'. With kafkajs 2.2.4 it lost an acknowledged message in 2 of 2
   * freezes of a broker, which is why it is off; duplicates carry the same event id either way (false).
   */
  idempotent: z.boolean().default(false),
  /** 'snappy', 'lz4' and 'zstd' need kafkajs-snappy, kafkajs-lz4 or @kafkajs/zstd beside kafkajs ('none'). */
  compressionType: z.enum(COMPRESSIONS).default('none'),
  /** Milliseconds that a publish waits for others to share its request, 0 to 1000; those that come during one always do (0). */
  lingerMs: z.int().min(0).max(1000).default(0),
  /** Where a new group begins: at what was published before it, or with what comes ('earliest'). */
  autoOffsetReset: z.enum(['earliest', 'latest']).default('earliest'),
  /** Milliseconds of silence after which the broker gives a member's partitions to others; 6000 or more with its own defaults (10,000). */
  sessionTimeoutMs: milliseconds(1000).default(10_000),
  /** At most a third of the session (1000). */
  heartbeatIntervalMs: milliseconds(100).default(1000),
  /**
   * Milliseconds without progress, while there is something to settle, after which the member leaves its group and others
   * begin with it anew: no attempt ends, and none is waited for. More than a handler may take: its `timeoutMs`, an eighth
   * of that, and `abortGraceMs` (600,000).
   */
  maxPollIntervalMs: milliseconds(1000).default(600_000),
  /** Whether missing topics are made, with the broker's defaults or with these numbers (true). */
  createTopics: z
    .union([
      z.boolean(),
      z.strictObject({
        partitions: z.int().min(1).max(100_000).optional(),
        replicationFactor: z.int().min(1).max(100).optional(),
      }),
    ])
    .default(true),
  /** TLS settings as of `tls.connect` (`ca`; `cert` and `key` for mutual TLS), or true for its defaults (false). */
  ssl: z
    .union([z.boolean(), z.custom<ConnectionOptions>((v) => typeof v === 'object' && v !== null)])
    .default(false),
  /** Who we are to the brokers; mechanisms plain, scram-sha-256, scram-sha-512 and oauthbearer. */
  sasl: saslSchema.optional(),
  /** Where a broker is reached that tells another address, behind a tunnel, say. */
  mapAddress: z
    .custom<(address: KafkaAddress) => KafkaAddress>((v) => typeof v === 'function', 'must be a function')
    .optional(),
  /** Milliseconds that opening the connection may take, more than 0, Infinity for no limit (10,000). */
  connectTimeoutMs: z.union([z.number().positive(), z.literal(Infinity)]).default(10_000),
});

/** @see kafkaOptionsSchema for ranges and defaults. */
export type KafkaTransportOptions = z.input<typeof kafkaOptionsSchema>;
/** The options with every default filled in. */
export type KafkaSettings = z.output<typeof kafkaOptionsSchema>;

/** @throws {ConfigurationError} naming the field and what is allowed; never a password. */
export function parseKafkaOptions(options: KafkaTransportOptions): KafkaSettings {
  const parsed = kafkaOptionsSchema.safeParse(options);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw new ConfigurationError(
      `Kafka option "${issue?.path.join('.') ?? ''}": ${issue?.message ?? 'is wrong'}.`,
    );
  }
  const { acks, heartbeatIntervalMs, idempotent, sessionTimeoutMs } = parsed.data;
  if (heartbeatIntervalMs * 3 > sessionTimeoutMs)
    throw new ConfigurationError(
      `Kafka option "heartbeatIntervalMs": ${heartbeatIntervalMs} is more than a third of sessionTimeoutMs ${sessionTimeoutMs}.`,
    );
  // Every publish would be refused by the driver, one after the other.
  if (idempotent && acks !== 'all')
    throw new ConfigurationError(`Kafka option "idempotent": needs acks "all", not "${acks}".`);
  return parsed.data;
}
