import { describe, inject } from 'vitest';
import { testBus } from '../../src/testing/index.ts';
import { redisHarness } from '../support/redis-harness.ts';
import { runSeed } from '../support/seed.ts';

const redisUrl = inject('redisUrl');

describe.skipIf(redisUrl === undefined)('on a real broker', () => {
  testBus('redis', redisHarness(redisUrl ?? 'redis://none'), { seed: runSeed() });
});
