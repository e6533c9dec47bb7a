import { describe, expect, it, vi } from 'vitest';
import { testBus } from '../../src/testing/index.ts';
import { every } from '../support/chart-coverage.ts';
import { memoryHarness } from '../support/memory-harness.ts';
import { runSeed } from '../support/seed.ts';
import { covered } from './covered.ts';
import { busFocus } from './focus/bus-focus.ts';
import { consumerFocus } from './focus/consumer-focus.ts';
import { deliveryFocus } from './focus/delivery-focus.ts';
import { handlerFocus } from './focus/handler-focus.ts';

const coverage = covered();
const bus = { inspect: every(coverage.observe), retry: { maxRetries: 2 } };

// XState's development build, which vitest picks, warns of handlers that run within an action of the plain machines.
vi.spyOn(console, 'warn').mockImplementation(() => undefined);

testBus('memory', memoryHarness(), { seed: runSeed(), bus });

describe('beside the model', () => {
  for (const declare of [busFocus, consumerFocus, deliveryFocus, handlerFocus]) declare(coverage.observe);
});

/** The package once more, with the machines as they are exported: what the fast path answers takes no transition. */
const plain = await (async () => {
  const fastPath = new URL('../../machines/fast-path.ts', import.meta.url).pathname;
  vi.resetModules();
  vi.doMock(fastPath, () => ({ withFastPath: (machine: unknown) => machine }));
  const testing = await import('../../src/testing/index.ts');
  const { memoryHarness: harness } = await import('../support/memory-harness.ts');
  const focus = await import('./focus/consumer-focus.ts');
  return { testBus: testing.testBus, harness, consumerFocus: focus.consumerFocus };
})();
plain.testBus('memory, without a fast path,', plain.harness(), {
  seed: runSeed(),
  bus,
  paths: [{ messages: 1, interruptions: 1, kinds: ['ok', 'flaky', 'poison'], paths: 'covering' }],
});

describe('beside the model, without a fast path', () => {
  plain.consumerFocus(coverage.observe);
});

describe('all this together', () => {
  it('reaches every state and every transition of the machines', () => {
    expect(coverage.gaps).toEqual([]);
  });
});
