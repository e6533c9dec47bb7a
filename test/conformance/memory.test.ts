import { describeTransport } from '../../src/testing/index.ts';
import { memoryHarness } from '../support/memory-harness.ts';
import { runSeed } from '../support/seed.ts';

describeTransport('memory', memoryHarness(), { seed: runSeed() });
