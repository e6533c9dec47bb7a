import { afterAll, beforeAll, describe, inject } from 'vitest';
import { startRedisServer, type RedisServer } from '../../brokers/redis-server.ts';
import { redisPlaceAt } from './places/redis.ts';
import { itBearsItsProcesses } from './process-scenarios.ts';
import { itBearsFaults } from './scenarios.ts';
import { itStopsAtAnyMoment } from './stop-scenarios.ts';

const program = inject('redisServer');

describe.skipIf(program === undefined)('faults, on redis', { timeout: 120_000 }, () => {
  let server: RedisServer;
  beforeAll(async () => {
    server = await startRedisServer(program!, { persistence: 'always' });
  });
  afterAll(() => server.stop());

  const start = (destination: string) => Promise.resolve(redisPlaceAt(server, destination));
  itBearsFaults(start);
  itBearsItsProcesses(start);
  itStopsAtAnyMoment(start);
});
