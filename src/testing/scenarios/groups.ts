import { expect } from 'vitest';
import { Counted, counted } from '../counted.ts';
import { scenario, type Scenarios } from './scenario.ts';

/** Every group gets everything, and none learns of another's troubles. */
export const groupScenarios: Scenarios = {
  theme: 'Groups (I3)',
  scenarios: ({ abilities }) => [
    scenario('gives every group each event', async (stage, size) => {
      await stage.consumer({ group: 'a' });
      await stage.consumer({ group: 'b' });
      await stage.publish(stage.bus(), counted(50 * size));
      await stage.handled(50 * size, { group: 'a' });
      await stage.handled(50 * size, { group: 'b' });
    }),

    scenario('shows a retry and a dead letter to no other group', async (stage) => {
      await stage.consumer({
        group: 'failing',
        handle: (event, { attempt }) => {
          if (event.n % 2 === 0) throw new Error('never');
          if (attempt < 2) throw new Error('not yet');
        },
      });
      await stage.consumer({ group: 'calm' });
      await stage.publish(stage.bus(), counted(20));
      await stage.handled(20, { group: 'calm' });
      await stage.handled(10, { group: 'failing' });
      const { probe } = stage.harness;
      await stage.until(
        async () => (await probe.dlqDepth(stage.destination, 'failing')) === 10,
        'the dead letters of the failing group',
      );
      expect(stage.recorder.where({ group: 'calm' })).toHaveLength(20);
      return { maxAttempts: 4, deadLetters: { failing: 10, calm: 0 } };
    }),

    scenario('replays a dead letter to its own group alone', async (stage) => {
      let isRepaired = false;
      const failing = await stage.consumer({
        group: 'failing',
        options: { retry: { maxRetries: 0 } },
        handle: () => {
          if (!isRepaired) throw new Error('broken');
        },
      });
      await stage.consumer({ group: 'calm' });
      await stage.publish(stage.bus(), counted(5));
      await stage.handled(5, { group: 'calm' });
      await stage.until(async () => (await failing.deadLetters.count()) === 5, 'the dead letters');
      isRepaired = true;
      const report = await stage.settles(failing.deadLetters.replayAll(), 'the replay');
      expect(report).toEqual({ matched: 5, replayed: 5, failed: [] });
      await stage.handled(5, { group: 'failing' });
      expect(stage.recorder.where({ group: 'calm' })).toHaveLength(5);
      // A replay is a delivery of its own.
      return { redeliveries: 5, isOrdered: false };
    }),

    ...(abilities.replayFromStart
      ? [
          scenario('gives a group that comes later what was published before', async (stage, size) => {
            await stage.consumer({ group: 'early' });
            await stage.publish(stage.bus(), counted(30 * size));
            await stage.handled(30 * size, { group: 'early' });
            await stage.consumer({ group: 'late' });
            await stage.handled(30 * size, { group: 'late' });
          }),
        ]
      : [
          scenario('gives a group that comes later nothing of what was published before', async (stage) => {
            await stage.consumer({ group: 'early' });
            await stage.publish(stage.bus(), counted(10));
            await stage.handled(10, { group: 'early' });
            const late = stage.bus({ consumerGroup: 'late' });
            const seen: number[] = [];
            late.subscribe(Counted, ({ n }) => void seen.push(n));
            await stage.consume(late);
            // It stands behind them all.
            await stage.publish(late, counted(11).slice(10));
            await stage.until(() => seen.length > 0, 'the late group to get something');
            expect(seen).toEqual([10]);
            await stage.handled(11, { group: 'early' });
          }),
        ]),
  ],
};
