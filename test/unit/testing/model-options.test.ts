import { EventRegistry } from '../../../src/index.ts';
import { testBus, VirtualClock } from '../../../src/testing/index.ts';
import { memoryHarness } from '../../support/memory-harness.ts';

// What of these the model needs otherwise must not reach the buses.
testBus('memory, with options that the model decides,', memoryHarness(), {
  bus: {
    maxRetries: 2,
    retry: { baseDelayMs: 1, maxDelayMs: 5, jitter: 1 },
    shutdownTimeoutMs: 5,
    enableDlq: false,
    registry: new EventRegistry(),
    clock: new VirtualClock(),
  },
  paths: [{ messages: 1, interruptions: 1, kinds: ['flaky', 'poison'], paths: 'covering' }],
});
