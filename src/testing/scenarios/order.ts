import { expect } from 'vitest';
import { counted } from '../counted.ts';
import { Gate, scenario, type Scenarios } from './scenario.ts';

/** Events of one aggregate are handled one after another, those of different ones side by side. */
export const orderScenarios: Scenarios = {
  theme: 'Order (I5)',
  scenarios: ({ window }) => [
    scenario('handles each key in publish order while others fail and wait', async (stage, size) => {
      const failsFirst = new Map<string, boolean>();
      await stage.consumer({
        options: { concurrency: 8 },
        handle: async (event, { attempt }) => {
          const isUnlucky = failsFirst.get(event.eventId) ?? stage.random() < 0.1;
          failsFirst.set(event.eventId, isUnlucky);
          await stage.work(1 + Math.floor(stage.random() * 3));
          if (isUnlucky && attempt === 1) throw new Error('unlucky');
        },
      });
      const events = counted(160 * size, { keys: 16 });
      await stage.publish(stage.bus(), events);
      await stage.handled(events.length);
      expect([...failsFirst.values()]).toContain(true);
      const { attempts } = stage.recorder;
      const overlaps = attempts.some((one, index) =>
        attempts.slice(index + 1, index + 20).some(({ start }) => start < (one.end ?? 0)),
      );
      expect(overlaps, 'two keys at the same time').toBe(true);
      return { maxAttempts: 2 };
    }),

    scenario('starts the next delivery only when there is room', async (stage) => {
      const gate = new Gate();
      let first: number | undefined;
      await stage.consumer({
        options: { concurrency: 1 },
        handle: ({ n }) => ((first ??= n) === n ? gate.passed : undefined),
      });
      await stage.publish(stage.bus(), counted(2));
      await stage.until(() => stage.recorder.running === 1, 'the first handler to start');
      await stage.pass(200);
      expect(stage.recorder.attempts).toHaveLength(1);
      gate.open();
      await stage.handled(2);
    }),

    scenario('lets other keys go on while one retries', async (stage) => {
      const gate = new Gate();
      await stage.consumer({
        handle: async (event, { attempt }) => {
          if (event.n !== 0) return;
          if (attempt === 1) throw new Error('once');
          await gate.passed;
        },
      });
      const events = counted(40, { keys: 4 });
      await stage.publish(stage.bus(), events);
      await stage.handled(30);
      const lane = events[0]?.aggregateId ?? '';
      expect(stage.recorder.handled({ key: lane }).size).toBe(0);
      gate.open();
      await stage.handled(40);
      return { maxAttempts: 2 };
    }),

    scenario('stops pulling, and says so, when what waits behind a retry fills the window', async (stage) => {
      let isRepaired = false;
      const consumer = await stage.consumer({
        options: { retry: { maxRetries: 1000, baseDelayMs: 500, maxDelayMs: 500, jitter: 0 } },
        handle: () => {
          if (!isRepaired) throw new Error('not yet');
        },
      });
      const blocked = counted(window + 50, { keys: 1 });
      await stage.publish(stage.bus(), blocked);
      await stage.until(
        async () => (await consumer.healthCheck()).status === 'degraded',
        'the consumer to be degraded',
      );
      const health = await consumer.healthCheck();
      expect(health.reasons.join()).toContain(blocked[0]?.aggregateId);
      expect((await consumer.getInfo()).blockingKeys).toEqual([blocked[0]?.aggregateId]);
      const { probe } = stage.harness;
      expect(await probe.pending(stage.destination, stage.destination.group)).toBe(window);
      isRepaired = true;
      await stage.handled(blocked.length);
      await stage.until(
        async () => (await consumer.healthCheck()).status === 'healthy',
        'the consumer to be healthy again',
      );
      return { maxAttempts: 1001 };
    }),

    scenario('goes on with the other keys as long as the window has room', async (stage) => {
      const gate = new Gate();
      const consumer = await stage.consumer({ handle: (event) => (event.n === 0 ? gate.passed : undefined) });
      const blocked = counted(window - 20, { keys: 1 });
      const publisher = stage.bus();
      await stage.publish(publisher, blocked);
      const others = counted(101).slice(1);
      await stage.publish(publisher, others);
      await stage.handled(others.length);
      expect(stage.recorder.handled({ key: blocked[0]?.aggregateId ?? '' }).size).toBe(0);
      expect((await consumer.getInfo()).blockingKeys).toEqual([]);
      gate.open();
      await stage.handled(blocked.length + others.length);
    }),

    scenario('with ordering none handles one key side by side', async (stage) => {
      const gate = new Gate();
      await stage.consumer({ options: { ordering: 'none' }, handle: () => gate.passed });
      await stage.publish(stage.bus({ ordering: 'none' }), counted(4, { keys: 1 }));
      await stage.until(() => stage.recorder.running === 4, 'four handlers of one key at once');
      gate.open();
      await stage.handled(4);
      return { isOrdered: false };
    }),
  ],
};
