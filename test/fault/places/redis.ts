import { Redis } from 'ioredis';
import { startRedisServer, type RedisServer } from '../../../brokers/redis-server.ts';
import { GROUP, withServer, type FaultPlace } from './place.ts';
import { StreamView } from './stream-view.ts';

export interface RedisPlace extends FaultPlace {
  /** A client that outlives restarts of the server. */
  readonly redis: Redis;
  readonly view: StreamView;
}

/** A Redis that has stored what it confirmed. */
export const startRedisPlaceServer = (program: string): Promise<RedisServer> =>
  startRedisServer(program, { persistence: 'always' });

export const redisPlace = async (program: string, destination: string): Promise<RedisPlace> =>
  withServer(redisPlaceAt(await startRedisPlaceServer(program), destination));

export function redisPlaceAt(server: RedisServer, destination: string): RedisPlace {
  const redis = new Redis(server.url, { maxRetriesPerRequest: null, retryStrategy: () => 50 });
  redis.on('error', () => undefined);
  const view = new StreamView(redis, destination, GROUP);
  const at = { broker: 'redis', url: server.url, destination } as const;
  return {
    server,
    at,
    group: GROUP,
    redis,
    view,
    // Leases are of 2 seconds.
    slowHandlerMs: 5_000,
    givesUpAfterMs: 2_000,
    // A read blocks for half a second, and is given one more. Where the window is full nothing is read, and what is
    // acknowledged must be answered within five.
    noticesWithinMs: 5_000,
    countsDeliveries: true,
    foldsDeadLetters: true,
    through: ({ host, port }) => ({ at: { ...at, url: `redis://${host}:${port}` }, options: {} }),
    prepare: () => Promise.resolve(),
    unsettled: () => view.unsettled(),
    beforeFault: () => Promise.resolve(async () => new Set(await view.pendingEvents())),
    stored: () => view.storedEvents(),
    deadLettered: () => view.deadLettered(),
    loseState: async () => void (await redis.flushall()),
    async refuseStorage() {
      await redis.config('SET', 'maxmemory', '1');
      return async () => void (await redis.config('SET', 'maxmemory', '0'));
    },
    clear: async () => void (await redis.flushall()),
    close: () => Promise.resolve(redis.disconnect()),
  };
}
