import { testBus } from '../../src/testing/index.ts';
import { memoryHarness } from '../support/memory-harness.ts';
import { runSeed } from '../support/seed.ts';

testBus('memory', memoryHarness(), { seed: runSeed() });
