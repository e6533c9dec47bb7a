import { describe, inject } from 'vitest';
import { describeTransport } from '../../src/testing/index.ts';
import { redisHarness } from '../support/redis-harness.ts';
import { runSeed } from '../support/seed.ts';

const redisUrl = inject('redisUrl');

describe.skipIf(redisUrl === undefined)('on a real broker', () => {
  describeTransport('redis', redisHarness(redisUrl ?? 'redis://none'), { seed: runSeed() });
});
