import { every } from '../../support/chart-coverage.ts';
import { describe, expect, it } from 'vitest';
import type { ConsumerActor } from '../../../machines/index.ts';
import type { InspectionObserver } from '../../../src/index.ts';
import { gate, memoryBus, ping, Pinged, settle } from '../../support/memory-bus.ts';
import { scriptedBus } from '../../support/scripted-broker.ts';

const fail = (): never => {
  throw new Error('broken');
};

/** What no path of the model leads to: several handlers, storage that refuses, retries at the broker, no broker. */
export function deliveryFocus(inspect: InspectionObserver): void {
  const consuming = (
    subscribe: Parameters<typeof scriptedBus>[0],
    options: Parameters<typeof scriptedBus>[1] = {},
  ) => scriptedBus(subscribe, { inspect: every(inspect), ...options });

  describe('a delivery that failed for good', () => {
    it('is kept, its lane with it, until its dead letter is stored, and is acknowledged then', async () => {
      const { bus, broker, clock } = await consuming((made) => made.subscribe(Pinged, fail), {
        maxRetries: 0,
        ordering: 'key',
      });
      const states: string[] = [];
      const consumer = bus.actor.getSnapshot().children['consumer'] as unknown as ConsumerActor;
      consumer.subscribe(({ value }) => {
        const now = JSON.stringify(value.deliveries);
        if (states.at(-1) !== now) states.push(now);
      });
      broker.refusal = new Error('no room');
      broker.deliver(ping(1));
      broker.deliver(ping(2));
      await settle(clock);
      expect(broker.asked).toEqual(['dead-letter 1']);
      await clock.advance(200);
      expect(broker.asked).toEqual(['dead-letter 1', 'dead-letter 1', 'ack 1', 'dead-letter 2', 'ack 2']);
      expect(states).toContain('{"deadLettering":"failing"}');
      expect(states.at(-1)).toBe('"flowing"');
    });

    it('without any handler is a dead letter at once', async () => {
      const { bus, broker, clock } = await consuming((made) => made.subscribe(Pinged, fail));
      const delivery = broker.deliver(ping());
      Object.assign(delivery.message, { body: 'no event' });
      await settle(clock);
      expect(broker.asked).toEqual(['dead-letter 1', 'ack 1']);
      expect(bus.getStats()).toMatchObject({ handlersInvoked: 0, handlerErrors: 0, deadLettered: 1 });
    });
  });

  describe('a delivery with several failing handlers', () => {
    it('retries each on its own, and leaves out whose subscription ends', async () => {
      const running = gate();
      const attempts: string[] = [];
      const { bus, broker, clock } = await consuming((made) => {
        made.subscribe(Pinged, (_, { attempt }) => (attempts.push(`a${attempt}`), fail()), {
          name: 'a',
          retry: { baseDelayMs: 100, maxRetries: 9 },
        });
        made.subscribe(
          Pinged,
          async (_, { attempt }) => {
            attempts.push(`b${attempt}`);
            await running.promise;
            fail();
          },
          { name: 'b', retry: { baseDelayMs: 10_000, maxRetries: 9 } },
        );
      });
      broker.deliver(ping());
      await settle(clock);
      await clock.advance(150);
      expect(attempts).toEqual(['a1', 'b1', 'a2']);
      running.open();
      await settle(clock);
      bus.clearSubscribers();
      await settle(clock);
      expect(broker.asked).toContain('ack 1');
      expect(bus.getStats()).toMatchObject({ deadLettered: 0, inFlight: 0 });
    });

    it.each([
      ['while one runs and the other waits', false],
      ['while it drains', true],
    ])('is given up for a handler that is removed %s', async (_, isDraining) => {
      const running = gate();
      const { bus, broker, clock } = await consuming((made) => {
        made.subscribe(Pinged, () => running.promise, { name: 'slow' });
        made.subscribe(Pinged, fail, { name: 'bad', retry: { baseDelayMs: 10_000 } });
      });
      broker.deliver(ping());
      await settle(clock);
      const stopped = isDraining ? bus.stopConsuming() : undefined;
      await settle(clock);
      bus.actor.getSnapshot().children['consumer']!.send({ type: 'handler.removed', subscription: 'bad' });
      running.open();
      await settle(clock);
      expect(broker.asked).toEqual(['ack 1']);
      await stopped;
    });
  });

  describe('a delivery that is given back', () => {
    it('when its last running handler fails during a drain, for those that still wait', async () => {
      const running = gate();
      const { bus, broker, clock } = await consuming((made) => {
        made.subscribe(Pinged, () => running.promise.then(fail), { name: 'slow' });
        made.subscribe(Pinged, fail, { name: 'bad', retry: { baseDelayMs: 10_000 } });
      });
      broker.deliver(ping());
      await settle(clock);
      const stopped = bus.stopConsuming();
      await settle(clock);
      running.open();
      await settle(clock);
      expect(await stopped).toMatchObject({ settled: 0, released: 1 });
      expect(broker.asked).toEqual(['release 1']);
    });

    it('is abandoned when that is not certain', async () => {
      const { bus, broker, clock } = await consuming((made) =>
        made.subscribe(Pinged, fail, { retry: { baseDelayMs: 10_000 } }),
      );
      broker.ends.release = () => Promise.reject(new Error('not certain'));
      broker.deliver(ping());
      await settle(clock);
      await bus.stopConsuming();
      expect(bus.getStats()).toMatchObject({ released: 0, abandoned: 1, deadLettered: 0, inFlight: 0 });
    });
  });

  describe('a delivery that its broker wants back', () => {
    it('goes when it only waits for another attempt, which never begins', async () => {
      const attempts: number[] = [];
      const { bus, broker, clock } = await consuming((made) =>
        made.subscribe(Pinged, (_, { attempt }) => (attempts.push(attempt), fail())),
      );
      const delivery = broker.deliver(ping());
      await settle(clock);
      expect(delivery.holder?.recall()).toBe(true);
      await clock.advance(60_000);
      await settle(clock);
      expect(attempts).toEqual([1]);
      expect(broker.asked).toEqual([]);
      expect(bus.getStats()).toMatchObject({ released: 1, inFlight: 0 });
    });
  });

  describe('a retry that waits for a slot', () => {
    it('is given back when its consumer drains, which then waits for nothing', async () => {
      const running = gate();
      const { bus, broker, clock } = await consuming(
        (made) => made.subscribe(Pinged, ({ n }) => (n === 1 ? fail() : running.promise)),
        { concurrency: 1, retry: { baseDelayMs: 100 } },
      );
      broker.deliver(ping(1, 'a'));
      broker.deliver(ping(2, 'b'));
      await settle(clock);
      await clock.advance(200);
      const stopped = bus.stopConsuming();
      running.open();
      await settle(clock);
      expect(await stopped).toMatchObject({ settled: 1, released: 1, aborted: 0, timedOut: false });
    });
  });

  describe('a retry at the broker', () => {
    it('is stored again until the broker takes it, and acknowledged then', async () => {
      const { bus, broker, clock } = await consuming((made) => made.subscribe(Pinged, fail), {
        defersRetries: true,
        maxRetries: 2,
      });
      broker.refusal = new Error('no room');
      broker.deliver(ping());
      await settle(clock);
      expect(await bus.healthCheck()).toMatchObject({
        status: 'degraded',
        ready: true,
        reasons: ['a retry that is to wait at the broker cannot be stored: no room'],
      });
      await clock.advance(200);
      expect(broker.asked).toEqual(['defer 1 1000', 'defer 1 1000', 'ack 1']);
      expect(await bus.healthCheck()).toMatchObject({ status: 'healthy', reasons: [] });
    });
  });

  describe('a delivery of a bus without a broker', () => {
    it('has its waiting retries run at once when the bus drains, and is a dead letter after them', async () => {
      const attempts: number[] = [];
      const { bus, clock } = memoryBus({ inspect: every(inspect), maxRetries: 5, retry: undefined });
      bus.subscribe(Pinged, (_, { attempt }) => (attempts.push(attempt), fail()));
      await Promise.race([bus.publish(ping()), settle(clock)]);
      const stopped = bus.shutdown();
      await settle(clock);
      expect(await stopped).toMatchObject({ settled: 1, timedOut: false });
      expect(attempts).toEqual([1, 2]);
      expect(await bus.deadLetters.list()).toMatchObject([{ attempts: 2 }]);
    });

    it('has the retries of one handler run once the other has ended', async () => {
      const running = gate();
      const attempts: string[] = [];
      const { bus, clock } = memoryBus({ inspect: every(inspect), maxRetries: 5 });
      bus.subscribe(Pinged, () => running.promise, { name: 'slow' });
      bus.subscribe(Pinged, (_, { attempt }) => (attempts.push(`bad ${attempt}`), fail()), { name: 'bad' });
      void bus.publish(ping());
      await settle(clock);
      const stopped = bus.shutdown();
      await settle(clock);
      running.open();
      await settle(clock);
      expect(await stopped).toMatchObject({ settled: 1 });
      expect(attempts).toEqual(['bad 1', 'bad 2']);
    });
  });
}
