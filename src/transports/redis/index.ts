import type { z } from 'zod';
import { StatechartEventBus } from '../../bus/event-bus.ts';
import { BROKER_DEFAULTS, busOptionsSchema, busSettings, parseOptions } from '../../bus/options.ts';
import type { RedisStreamInfo } from './info.ts';
import { redisOptionsSchema } from './options.ts';
import { redisTransport, type RedisTransport } from './transport.ts';

export type { RedisGroupInfo, RedisStreamInfo } from './info.ts';
export type { LinkRole, RedisFactory } from './options.ts';

const ownOptions = redisOptionsSchema.omit({ connectTimeoutMs: true });
const optionsSchema = busOptionsSchema.extend(ownOptions.shape);

/** Those of every bus, plus those of Redis: `redisUrl` or `redis`, `streamPrefix`, `batchSize`, `trim` and so on. */
export type RedisEventBusOptions = z.input<typeof optionsSchema>;

/**
 * A bus on Redis Streams, 6.2 or newer, by ioredis. Consuming needs a `consumerGroup`; a bus that only publishes makes
 * no group. Delivery is at least once: what a killed process had begun is handled again, by another member of the
 * group after `pendingIdleMs`, or by the next process of the same `consumerName` at once.
 */
export class RedisEventBus extends StatechartEventBus {
  readonly #transport: RedisTransport;

  /** @throws {ConfigurationError} naming every wrong option; a missing driver shows when connecting. */
  constructor(options: RedisEventBusOptions = {}) {
    const parsed = parseOptions(optionsSchema, options, 'RedisEventBus');
    const own: Record<string, unknown> = {};
    const common: Record<string, unknown> = {};
    for (const [name, value] of Object.entries(parsed))
      (name in ownOptions.shape ? own : common)[name] = value;
    const settings = busSettings(common, BROKER_DEFAULTS);
    const transport = redisTransport({ ...own, connectTimeoutMs: settings.connectTimeoutMs || 1 });
    super(settings, {
      transport,
      capabilities: transport.capabilities,
      destination: transport.destination,
      isStoredOnceSent: false,
      canRelease: true,
    });
    this.#transport = transport;
  }

  /** Redis' own details of stream, groups and dead letters; `connected: false` and zeros while it isn't connected. */
  getStreamInfo(): Promise<RedisStreamInfo> {
    return this.#transport.streamInfo();
  }
}
