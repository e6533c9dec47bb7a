import { every } from '../../support/chart-coverage.ts';
import { describe, expect, it } from 'vitest';
import { ConfigurationError, ConnectionError } from '../../../src/errors.ts';
import type { InspectionObserver } from '../../../src/index.ts';
import { consumerOf } from '../../../src/bus/states.ts';
import { gate, memoryBus, ping, Pinged, settle } from '../../support/memory-bus.ts';
import { scriptedBus } from '../../support/scripted-broker.ts';

const MINUTE_MS = 60_000;

type Bus = Awaited<ReturnType<typeof scriptedBus>>['bus'];
const stateOf = ({ actor }: Bus): unknown => consumerOf(actor.getSnapshot())?.value.lifecycle;
const problemOf = ({ actor }: Bus): unknown => consumerOf(actor.getSnapshot())?.context.lastProblem;
const nothing = (): void => undefined;

/** What no path of the model leads to: sources that end, hang or lie, at every moment of a consumer. */
export function consumerFocus(inspect: InspectionObserver): void {
  const consuming = (options: Parameters<typeof scriptedBus>[1] = {}, handle: () => unknown = nothing) =>
    scriptedBus((bus) => bus.subscribe(Pinged, handle, { name: 'h' }), {
      inspect: every(inspect),
      ...options,
    });

  describe('a consumer whose source ends', () => {
    it('reads again after a pause, that a pause or a connection cuts short', async () => {
      const { bus, broker, clock } = await consuming();
      broker.endReading(new Error('channel gone'));
      await settle(clock);
      expect(stateOf(bus)).toEqual({ connecting: 'backingOff' });
      expect(problemOf(bus)).toBe('reading ended: channel gone');
      await clock.advance(300);
      expect(stateOf(bus)).toBe('consuming');

      broker.endReading(new Error('again'));
      await settle(clock);
      broker.lose();
      await clock.advance(6000);
      expect(stateOf(bus)).toBe('consuming');

      broker.endReading(new Error('again'));
      await settle(clock);
      const actor = bus.actor.getSnapshot().children['consumer']!;
      actor.send({ type: 'connection.opened', connection: broker.connection! });
      await settle(clock);
      expect(stateOf(bus)).toBe('consuming');

      broker.endReading(new Error('again'));
      await settle(clock);
      bus.pause();
      expect(stateOf(bus)).toEqual({ paused: 'detached' });
      await clock.advance(600);
      expect(stateOf(bus)).toEqual({ paused: 'attached' });
      broker.endReading(new Error('while paused'));
      await settle(clock);
      expect(stateOf(bus)).toEqual({ paused: 'detached' });
      actor.send({ type: 'connection.lost' });
      actor.send({ type: 'connection.opened', connection: broker.connection! });
      expect(stateOf(bus)).toEqual({ paused: 'attached' });
      bus.resume();
      await settle(clock);
      broker.deliver(ping());
      await settle(clock);
      expect(broker.asked).toContain('ack 1');
    });

    it('each time in the same way is waited for longer and longer, until it ends otherwise or goes well', async () => {
      const { bus, broker, clock } = await consuming();
      const pauseMs = async (why = 'unreadable') => {
        broker.endReading(new Error(why));
        await settle(clock);
        let waitedMs = 0;
        for (; stateOf(bus) !== 'consuming'; waitedMs += 20) await clock.advance(20);
        return waitedMs;
      };
      const pauses: number[] = [];
      for (let times = 0; times < 5; times++) pauses.push(await pauseMs());
      expect(pauses).toEqual([...new Set(pauses)].toSorted((a, b) => a - b));
      expect(pauses[4]).toBeGreaterThan(2000);
      expect(await pauseMs('something else')).toBeLessThan(300);
      expect(await pauseMs()).toBeLessThan(300);
      expect(await pauseMs()).toBeGreaterThan(260);
      // What came within half a minute shows that reading goes well.
      broker.deliver(ping());
      await clock.advance(30_000);
      expect(await pauseMs()).toBeLessThan(300);
    });

    it('before it was ready takes what it had handed out, and begins again', async () => {
      const running = gate();
      const { bus, broker, clock } = await consuming({ concurrency: 1 }, () => running.promise);
      broker.ready = new Promise(() => undefined);
      broker.endReading(new Error('gone'));
      await clock.advance(300);
      expect(stateOf(bus)).toEqual({ connecting: 'subscribing' });
      // Two, so that the second begins when the first has ended, and the consumer is not consuming yet.
      broker.deliver(ping(1, 'a'));
      broker.deliver(ping(2, 'b'));
      await settle(clock);
      running.open();
      await settle(clock);
      expect(broker.asked.filter((what) => what.startsWith('ack'))).toEqual(['ack 1', 'ack 2']);
      broker.endReading(new Error('gone again'));
      await settle(clock);
      expect(stateOf(bus)).toEqual({ connecting: 'backingOff' });
      broker.ready = Promise.resolve();
      broker.connectFailure = new ConnectionError('not yet');
      broker.lose();
      await settle(clock);
      expect(stateOf(bus)).toEqual({ connecting: 'waiting' });
      broker.connectFailure = undefined;
      await clock.advance(6000);
      expect(stateOf(bus)).toBe('consuming');
    });

    it('because the broker refuses it is over, and says why', async () => {
      const { bus, broker, consumption } = await consuming();
      broker.endReading(new ConfigurationError('other arguments'));
      await expect(consumption.done).rejects.toThrow('other arguments');
      expect(bus.state).toBe('connected');
    });

    it('without keeping to its contract goes on waiting for a source', async () => {
      const { bus, broker, clock } = await consuming();
      broker.ready = undefined as never;
      broker.endReading(new Error('gone'));
      await clock.advance(300);
      expect([bus.state, stateOf(bus)]).toEqual(['consuming', { connecting: 'subscribing' }]);
    });

    it('keeps what it is handed once it waits for a connection', async () => {
      const { bus, broker, clock } = await consuming();
      broker.connectFailure = new ConnectionError('not yet');
      broker.lose();
      await settle(clock);
      const delivery = broker.deliver(ping());
      bus.actor.getSnapshot().children['consumer']!.send({ type: 'deliveries', batch: [delivery] });
      expect(broker.asked).toEqual([]);
      broker.connectFailure = undefined;
      await clock.advance(6000);
      expect(broker.asked).toContain('ack 1');
    });
  });

  describe('a consumer that is handed nothing', () => {
    it.each([
      ['asks whether there is lag, and reads anew when there is', () => Promise.resolve(3), true],
      ['goes on when there is none', () => Promise.resolve(0), false],
      ['goes on when the broker cannot tell', () => Promise.reject(new Error('no')), false],
    ])('%s', async (_, lag, isStalled) => {
      const { bus, broker, clock } = await consuming();
      broker.deliver(ping());
      await clock.advance(MINUTE_MS / 2);
      broker.lag = lag;
      await clock.advance(MINUTE_MS);
      expect(problemOf(bus)).toBe(isStalled ? 'there was lag, and nothing came' : undefined);
      expect(stateOf(bus)).toBe('consuming');
    });
  });

  describe('a consumer that drains', () => {
    it('gives back what still comes, and reconnects for what it has to settle', async () => {
      const running = gate();
      const left = gate();
      const { bus, broker, clock } = await consuming({ concurrency: 1 }, () => running.promise);
      broker.deliver(ping(1, 'a'));
      await settle(clock);
      const ended = gate();
      broker.ends.stop = () => ended.promise;
      broker.ends.leave = () => left.promise;
      const stopped = bus.stopConsuming();
      await settle(clock);
      const late = broker.deliver(ping(2, 'b'));
      const actor = bus.actor.getSnapshot().children['consumer']!;
      actor.send({ type: 'deliveries', batch: [late] });
      actor.send({ type: 'advance' });
      actor.send({ type: 'connection.opened', connection: broker.connection! });
      ended.fail(new Error('cannot stop'));
      running.open();
      await settle(clock);
      expect(broker.asked).toEqual(['release 2', 'ack 1']);
      left.fail(new Error('cannot leave'));
      await settle(clock);
      expect(await stopped).toMatchObject({ settled: 1, released: 1, aborted: 0 });
    });
  });

  describe('a consumer whose window is full of lanes that wait', () => {
    it('says so until one of them moves', async () => {
      let isBroken = true;
      const { bus, broker, clock } = await consuming({ ordering: 'key', maxRetries: 1 }, () => {
        if (isBroken) throw new Error('broken');
      });
      broker.window = 2;
      broker.endReading(new Error('to have the window anew'));
      await clock.advance(300);
      broker.deliver(ping(1, 'a'));
      broker.deliver(ping(2, 'a'));
      await settle(clock);
      expect(consumerOf(bus.actor.getSnapshot())?.hasTag('lane-blocked')).toBe(true);
      isBroken = false;
      await clock.advance(1000);
      await settle(clock);
      expect(consumerOf(bus.actor.getSnapshot())?.hasTag('lane-blocked')).toBe(false);
    });
  });

  describe('the consumer of a bus without a broker', () => {
    it('consumes at once, and watches no source', async () => {
      const seen: number[] = [];
      const { bus } = memoryBus({ inspect: every(inspect) });
      bus.subscribe(Pinged, ({ n }) => void seen.push(n));
      await bus.publish(ping(3));
      expect(seen).toEqual([3]);
      expect(consumerOf(bus.actor.getSnapshot())?.value).toMatchObject({
        lifecycle: 'consuming',
        progress: 'unwatched',
      });
    });
  });
}
