import { afterAll, beforeAll, describe, inject } from 'vitest';
import { startRedisServer, type RedisServer } from '../../brokers/redis-server.ts';
import { redisPlaceAt } from './places/redis.ts';
import { itBearsFaults } from './scenarios.ts';

const program = inject('redisServer');

describe.skipIf(program === undefined)('faults, on redis', { timeout: 120_000 }, () => {
  let server: RedisServer;
  beforeAll(async () => {
    server = await startRedisServer(program!, { persistence: 'always' });
  });
  afterAll(() => server.stop());

  itBearsFaults((destination) => Promise.resolve(redisPlaceAt(server, destination)));
});
