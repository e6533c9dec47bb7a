import { expect } from 'vitest';
import { counted } from '../counted.ts';
import { Gate, scenario, type Scenarios } from './scenario.ts';

/** Starting, stopping, pausing and losing the broker, at any point. */
export const lifecycleScenarios: Scenarios = {
  theme: 'Lifecycle (I7, I8)',
  scenarios: ({ faults }) => [
    scenario('stops and starts consuming again and again, and misses nothing', async (stage, size) => {
      const batches = Array.from({ length: 5 }, () => counted(50 * size));
      const consumer = await stage.consumer();
      const publisher = stage.bus();
      for (const [index, batch] of batches.entries()) {
        await stage.publish(publisher, batch);
        await stage.handled(25 * size * (2 * index + 1));
        const stopped = Promise.all([consumer.stopConsuming(), consumer.stopConsuming()]);
        await stage.settles(stopped, 'both calls to stop');
        expect(consumer.state).toBe('connected');
        await stage.settles(consumer.startConsumingInBackground(), 'it to consume again');
      }
      await stage.handled(250 * size);
    }),

    scenario('settles the call that started consuming when it stops', async (stage) => {
      const consumer = await stage.consumer();
      await stage.settles(consumer.stopConsuming(), 'it to stop');
      const consuming = consumer.startConsuming();
      await stage.settles(consumer.waitFor('consuming'), 'it to consume');
      await stage.publish(stage.bus(), counted(3));
      await stage.handled(3);
      await stage.settles(consumer.stopConsuming(), 'it to stop');
      await stage.settles(consuming, 'startConsuming to settle');
    }),

    scenario('leaves nothing when it is stopped while it connects', async (stage) => {
      for (let i = 0; i < 10; i++) {
        const bus = stage.bus({ consumerGroup: stage.destination.group });
        const starting = bus.connect().catch(() => undefined);
        const turns = Math.floor(stage.random() * 20);
        for (let turn = 0; turn < turns; turn++) await Promise.resolve();
        if (i % 2 === 1) await stage.pass(1);
        const stopping = bus.shutdown();
        await stage.settles(Promise.all([starting, stopping]), 'start and stop');
        expect(bus.state).toBe('stopped');
      }
      await stage.consumer();
      await stage.publish(stage.bus(), counted(50));
      await stage.handled(50);
    }),

    scenario('starts nothing while it is paused, and goes on afterwards', async (stage) => {
      const consumer = await stage.consumer();
      consumer.pause();
      const publisher = stage.bus();
      await stage.publish(publisher, counted(10));
      await stage.pass(100);
      expect(stage.recorder.attempts).toEqual([]);
      consumer.resume();
      await stage.handled(10);
    }),

    scenario('is idle when nothing runs, waits or is queued', async (stage) => {
      const gate = new Gate();
      const consumer = await stage.consumer({ handle: () => gate.passed });
      await stage.publish(stage.bus(), counted(2));
      await stage.until(() => stage.recorder.running === 2, 'both handlers to run');
      let isIdle = false;
      const idle = consumer.idle().then(() => (isIdle = true));
      await stage.pass(50);
      expect(isIdle).toBe(false);
      gate.open();
      await stage.settles(idle, 'the bus to be idle');
      expect(stage.recorder.handled().size).toBe(2);
    }),

    scenario('tells its health from before its start to after its end', async (stage) => {
      const consumer = await stage.consumer();
      expect(await consumer.healthCheck()).toEqual({
        status: 'healthy',
        state: 'consuming',
        live: true,
        ready: true,
        conditions: [],
        reasons: [],
      });
      await stage.settles(consumer.shutdown(), 'it to stop');
      expect(await consumer.healthCheck()).toMatchObject({
        status: 'unhealthy',
        state: 'stopped',
        ready: false,
      });
    }),

    scenario('has no child and no subscriber left once it has stopped', async (stage) => {
      const consumer = await stage.consumer();
      await stage.publish(stage.bus(), counted(20));
      await stage.handled(20);
      await stage.settles(consumer.shutdown(), 'it to stop');
      const { children, status } = consumer.actor.getSnapshot();
      const living = Object.values(children).filter((child) => child?.getSnapshot().status === 'active');
      expect({ status, living: living.map((child) => child?.id) }).toEqual({ status: 'done', living: [] });
      expect(consumer.getStats().inFlight).toBe(0);
    }),

    ...(faults === undefined
      ? []
      : [
          scenario('comes back by itself when the broker does, and says so meanwhile', async (stage) => {
            await faults.prepare?.(stage.destination);
            const consumer = await stage.consumer();
            const publisher = stage.bus();
            await stage.publish(publisher, counted(10));
            await stage.handled(10);
            await faults.cut(stage.destination);
            await stage.settles(consumer.waitFor('retrying'), 'the loss to be noticed');
            expect((await consumer.healthCheck()).status).not.toBe('healthy');
            const waiting = stage.publish(publisher, counted(10));
            await faults.heal(stage.destination);
            await stage.settles(consumer.waitFor('consuming'), 'it to consume again');
            await stage.settles(waiting, 'the publish to be confirmed');
            await stage.handled(20);
            expect((await consumer.healthCheck()).status).toBe('healthy');
            expect(consumer.getStats().reconnections).toBeGreaterThan(0);
            // What was in flight at the loss may come again.
            return { redeliveries: 20 };
          }),

          scenario(
            'leaves to others what it has no handler for, also when it comes back after a loss',
            async (stage) => {
              await faults.prepare?.(stage.destination);
              await stage.foundGroup();
              const idle = await stage.consumer({ handle: null });
              await stage.publish(stage.bus(), counted(20));
              await faults.cut(stage.destination);
              await stage.settles(idle.waitFor('retrying'), 'the loss to be noticed');
              await faults.heal(stage.destination);
              await stage.settles(idle.waitFor('consuming'), 'it to consume again');
              await stage.pass(100);
              expect(idle.getStats().eventsIgnored).toBe(0);
              // A member of a group of Kafka has its partitions as long as it is there, and be it idle.
              await stage.settles(idle.shutdown(), 'it to stop');
              await stage.consumer();
              await stage.handled(20);
            },
          ),

          scenario('can be shut down while the broker is away', async (stage) => {
            await faults.prepare?.(stage.destination);
            const consumer = await stage.consumer();
            await faults.cut(stage.destination);
            await stage.settles(consumer.waitFor('retrying'), 'the loss to be noticed');
            const report = await stage.settles(consumer.shutdown({ timeoutMs: 1_000 }), 'the shutdown');
            expect(report.aborted).toBe(0);
            expect(consumer.state).toBe('stopped');
            await faults.heal(stage.destination);
          }),
        ]),
  ],
};
