import { expect, it } from 'vitest';
import { runExample } from '../support/example.ts';

// Those on brokers run beside the tests of their broker (test/transports/*/example.test.ts).
const lines = (...all: string[]): string => `${all.join('\n')}\n`;

it('shows a quick start that runs', async () => {
  expect(await runExample('quick-start.ts', {})).toMatch(/^Order [0-9a-f-]{36} created for customer-123\n$/);
});

it.each([
  [
    'publishing.ts',
    lines(
      'handled order-1',
      'handled order-2',
      'published two',
      'published in the background',
      'handled order-3',
    ),
  ],
  [
    'subscribing.ts',
    lines(
      'function: ada',
      'object: mail to ada',
      'projection: order of ada',
      'audit: OrderCreated',
      'projection: 2 parcels',
      'audit: OrderShipped',
    ),
  ],
  [
    'statistics.ts',
    lines(
      '{',
      '  settled: 1,',
      '  released: 0,',
      '  aborted: 0,',
      '  unpublished: 0,',
      '  timedOut: false',
      '}',
      '{ eventsPublished: 2, handlersInvoked: 3, handlerErrors: 1 }',
      '{ backgroundTasksCreated: 1, backgroundTasksCompleted: 1 }',
    ),
  ],
  [
    'tracing.ts',
    lines(
      '[',
      "  'eventsource.event_bus.handle',",
      "  'eventsource.event_bus.dispatch',",
      "  'eventsource.event_bus.publish'",
      ']',
      '[]',
    ),
  ],
  [
    'resilient-handler.ts',
    lines(
      'payment-1: noted',
      'payment-1: paid at call 2',
      'payment-2: noted',
      'payment-2, permanent failure: a negative amount',
      'dead letters: 0',
    ),
  ],
  [
    'error-handling.ts',
    lines(
      'payment-1: attempt 1',
      'payment-1: noted',
      'payment-1: attempt 2',
      'payment-1: attempt 3',
      'payment-2: attempt 1',
      'payment-2: noted',
      'payment-2 set aside, not-retryable: pay, a negative amount',
    ),
  ],
])('shows examples/guide/%s, which prints what it should', async (file, output) => {
  expect(await runExample(`guide/${file}`, {})).toBe(output);
});

it('shows a repository that stores, publishes, and refuses whoever comes late', async () => {
  expect(await runExample('repository.ts', {})).toBe(
    lines(
      'published: OrderCreated, version 1',
      'published: OrderShipped, version 2',
      'refused: expected version 1, is 2',
      '2 shipped',
    ),
  );
});
