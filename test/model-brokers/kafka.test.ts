import { describe, inject } from 'vitest';
import { testBus } from '../../src/testing/index.ts';
import { kafkaHarness } from '../support/kafka-harness.ts';
import { runSeed } from '../support/seed.ts';

const servers = inject('kafkaServers');

describe.skipIf(servers === undefined)('on a real broker', () => {
  testBus('kafka', kafkaHarness(servers ?? 'none:9'), { seed: runSeed() });
});
