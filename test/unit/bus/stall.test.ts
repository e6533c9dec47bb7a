import { expect, it } from 'vitest';
import { Pinged } from '../../support/memory-bus.ts';
import { scriptedBus } from '../../support/scripted-broker.ts';

const TEN_MINUTES_MS = 600_000;

it('a consumer that has nobody to handle anything pulls nothing, and is not stalled by it', async () => {
  const { bus, broker, clock } = await scriptedBus(() => undefined);
  let asked = 0;
  broker.lag = () => Promise.resolve(++asked);
  await clock.advance(TEN_MINUTES_MS);
  expect(asked).toBe(0);
  expect(await bus.healthCheck()).toMatchObject({ status: 'healthy', ready: true, conditions: [] });

  bus.subscribe(Pinged, () => undefined);
  await clock.advance(TEN_MINUTES_MS);
  expect(asked).toBeGreaterThan(0);
  expect(await bus.healthCheck()).toMatchObject({ ready: false, conditions: ['stalled'] });
});
