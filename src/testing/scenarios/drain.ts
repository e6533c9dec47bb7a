import { expect } from 'vitest';
import { BusStoppedError } from '../../errors.ts';
import { counted } from '../counted.ts';
import { Gate, scenario, type Scenarios } from './scenario.ts';

/** Draining ends what has begun, begins nothing new, and gives back the rest. */
export const drainScenarios: Scenarios = {
  theme: 'Drain (I6, I8)',
  scenarios: ({ window }) => [
    scenario('waits for a handler that ends in time', async (stage) => {
      const signals: AbortSignal[] = [];
      const consumer = await stage.consumer({
        handle: async (_event, { signal }) => {
          signals.push(signal);
          await stage.work(200);
        },
      });
      await stage.publish(stage.bus(), counted(1));
      await stage.until(() => stage.recorder.running === 1, 'the handler to start');
      const report = await stage.settles(consumer.shutdown({ timeoutMs: 5_000 }), 'the shutdown');
      expect(report).toEqual({ settled: 1, released: 0, aborted: 0, unpublished: 0, timedOut: false });
      expect(stage.recorder.handled().size).toBe(1);
      expect(signals[0]?.aborted).toBe(false);
      expect(consumer.state).toBe('stopped');
    }),

    scenario('aborts a handler that does not, and leaves its event to the next bus', async (stage) => {
      const reasons: unknown[] = [];
      const slow = await stage.consumer({
        handle: async (_event, { signal }) => {
          await stage.work(120_000, signal).catch((error: unknown) => {
            reasons.push(error);
            throw error;
          });
        },
      });
      await stage.publish(stage.bus(), counted(3));
      await stage.until(() => stage.recorder.running === 3, 'the handlers to start');
      const report = await stage.settles(slow.shutdown({ timeoutMs: 200 }), 'the shutdown');
      expect(report).toMatchObject({ settled: 0, aborted: 3, timedOut: true });
      expect(reasons).toHaveLength(3);
      await stage.consumer();
      await stage.handled(3);
      return { redeliveries: 3 };
    }),

    scenario('takes up more than one window of what namesakes were cut off from', async (stage) => {
      const options = { consumerName: 'same', concurrency: window };
      const handle = (_event: unknown, { signal }: { readonly signal: AbortSignal }) =>
        stage.work(120_000, signal);
      const formers = [await stage.consumer({ options, handle }), await stage.consumer({ options, handle })];
      // Half as many again, because partitions aren't filled evenly.
      await stage.publish(stage.bus(), counted(3 * window));
      await stage.until(() => stage.recorder.running === 2 * window, 'two full windows');
      const cutOff = Promise.all(formers.map((former) => former.shutdown({ timeoutMs: 50 })));
      expect(await stage.settles(cutOff, 'the shutdowns')).toMatchObject([
        { aborted: window },
        { aborted: window },
      ]);
      await stage.consumer({ options });
      await stage.handled(3 * window);
      return { redeliveries: 2 * window };
    }),

    scenario('gives back what waits and what has not begun', async (stage, size) => {
      const total = 60 * size;
      const gate = new Gate();
      let failing: number | undefined;
      const first = await stage.consumer({
        options: { concurrency: 2, retry: { baseDelayMs: 60_000, maxDelayMs: 60_000 } },
        handle: async (event) => {
          failing ??= event.n;
          if (event.n === failing) throw new Error('wait');
          await gate.passed;
        },
      });
      await stage.publish(stage.bus(), counted(total));
      await stage.until(() => stage.recorder.running === 2, 'two handlers to run');
      await stage.until(() => stage.recorder.where({ outcome: 'failed' }).length === 1, 'one to wait');
      const stopping = first.shutdown({ timeoutMs: 10_000 });
      gate.open();
      const report = await stage.settles(stopping, 'the shutdown');
      expect(report.settled).toBe(2);
      expect(report.released).toBeGreaterThan(0);
      expect(report).toMatchObject({ aborted: 0, timedOut: false });
      expect(stage.recorder.attempts).toHaveLength(3);
      await stage.consumer();
      await stage.handled(total);
      return { redeliveries: 1 };
    }),

    scenario(
      'settles every publish while it stops, and loses none that was confirmed',
      async (stage, size) => {
        await stage.consumer();
        const publisher = stage.bus();
        await stage.settles(publisher.connect(), 'the publisher to connect');
        const outcomes: unknown[] = [];
        const publishers = Array.from({ length: 20 }, async () => {
          for (const event of counted(20 * size)) {
            const outcome = await stage.publish(publisher, event).then(
              () => 'confirmed',
              (error: unknown) => error,
            );
            outcomes.push(outcome);
            if (outcome !== 'confirmed') return;
          }
        });
        await stage.until(() => outcomes.length >= 40, 'the publishers to be at work');
        const report = await stage.settles(publisher.shutdown(), 'the shutdown');
        await stage.settles(Promise.all(publishers), 'the publishers to end');
        expect(report).toMatchObject({ unpublished: 0, timedOut: false });
        const refused = outcomes.filter((outcome) => outcome !== 'confirmed');
        expect(refused.length).toBeGreaterThan(0);
        for (const error of refused) expect(error).toBeInstanceOf(BusStoppedError);
        await stage.handled(outcomes.length - refused.length);
      },
    ),

    scenario('lets a running handler publish, and nobody else', async (stage) => {
      const gate = new Gate();
      const [first, second] = counted(2);
      const consumer = await stage.consumer({
        handle: async (event, context) => {
          if (event.eventId !== first?.eventId) return;
          await gate.passed;
          if (second === undefined) return;
          stage.expectPublished([second]);
          await context.publish(second);
        },
      });
      await stage.publish(stage.bus(), first ?? []);
      await stage.until(() => stage.recorder.running === 1, 'the handler to start');
      const stopping = consumer.shutdown();
      await stage.until(() => consumer.state === 'draining', 'the bus to drain');
      await expect(consumer.publish(counted(1))).rejects.toThrow(BusStoppedError);
      gate.open();
      const report = await stage.settles(stopping, 'the shutdown');
      expect(report).toMatchObject({ aborted: 0, unpublished: 0, timedOut: false });
      await stage.consumer();
      await stage.handled(2);
    }),

    scenario('stops once, however often and from wherever it is asked to', async (stage) => {
      const consumer = await stage.consumer();
      await stage.publish(stage.bus(), counted(5));
      await stage.handled(5);
      const states: string[] = [];
      const following = consumer.actor.subscribe(() => void states.push(consumer.state));
      const reports = await stage.settles(
        Promise.all([consumer.shutdown(), consumer.shutdown(), consumer[Symbol.asyncDispose]()]),
        'all of them',
      );
      following.unsubscribe();
      expect(reports[0]).toEqual(reports[1]);
      expect(await consumer.shutdown()).toEqual(reports[0]);
      expect(
        states.filter((state, index) => state === 'stopped' && states[index - 1] !== state),
      ).toHaveLength(1);
      await expect(consumer.connect()).rejects.toThrow(BusStoppedError);
    }),
  ],
};
