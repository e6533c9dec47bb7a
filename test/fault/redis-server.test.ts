import { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { redisVersion, startRedisServer, type RedisServer } from '../../brokers/redis-server.ts';
import { itIsAPrivateServer } from './private-server.ts';

const program = inject('redisServer');

describe.skipIf(program === undefined)('a private Redis server', () => {
  let server: RedisServer;
  beforeAll(async () => {
    server = await startRedisServer(program!, { persistence: 'always' });
  });
  afterAll(() => server.stop());

  itIsAPrivateServer(() => server, {
    answers: async (url) => (await redisVersion(url)) !== undefined,
    write: (url, value) => withClient(url, (redis) => redis.set('key', value)).then(() => undefined),
    read: (url) => withClient(url, async (redis) => String(await redis.get('key'))),
    starter: { module: 'redis-server.ts', call: `startRedisServer(${JSON.stringify(program)})` },
    failing: {
      start: () => startRedisServer(program!, { args: ['--no-such-option', 'x'] }),
      words: 'no-such-option',
    },
  });

  it('says when there is no such program', async () => {
    await expect(startRedisServer('/nowhere/redis-server')).rejects.toThrow('ENOENT');
  });
});

async function withClient<Result>(url: string, use: (redis: Redis) => Promise<Result>): Promise<Result> {
  const redis = new Redis(url, { retryStrategy: () => null });
  redis.on('error', () => undefined);
  try {
    return await use(redis);
  } finally {
    redis.disconnect();
  }
}
