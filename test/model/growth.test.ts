import { execa } from 'execa';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';

const program = fileURLToPath(new URL('../support/growth.ts', import.meta.url));
const mostBytes = 10 * 1024 * 1024;

interface Grown {
  readonly wellBytes: number;
  readonly failingBytes: number;
  readonly subscribingBytes: number;
  readonly left: { readonly timers: number };
}

it('a million deliveries, 100,000 failing ones and 20,000 subscriptions leave no child, timer or memory behind', async () => {
  const { stdout } = await execa('node', ['--expose-gc', '--import', 'tsx', program], {
    stdin: 'ignore',
    timeout: 170_000,
  });
  const grown = JSON.parse(stdout) as Grown;
  expect(grown.wellBytes).toBeLessThan(mostBytes);
  expect(grown.failingBytes).toBeLessThan(mostBytes);
  expect(grown.subscribingBytes).toBeLessThan(mostBytes);
  expect(grown).toMatchObject({
    left: {
      children: ['consumer', 'subscription.0', 'subscription.1'],
      deliveries: { value: 'idle', context: { deliveries: 0 } },
      inFlight: 0,
    },
    timersAfter: 0,
    handled: 2_205_000,
    deadLettered: 105_000,
  });
  // At most the one that looks for timed-out attempts, of each subscription; it ends by itself when nothing runs.
  expect(grown.left.timers).toBeLessThanOrEqual(2);
}, 180_000);
