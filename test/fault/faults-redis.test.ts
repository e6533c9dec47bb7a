import { describe, inject } from 'vitest';
import { redisPlace } from './places/redis.ts';
import { itBearsFaults } from './scenarios.ts';

const program = inject('redisServer');

describe.skipIf(program === undefined)('faults, on redis', { timeout: 120_000 }, () => {
  itBearsFaults((destination) => redisPlace(program!, destination));
});
