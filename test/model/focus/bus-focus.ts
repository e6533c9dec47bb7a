import { every } from '../../support/chart-coverage.ts';
import { describe, expect, it } from 'vitest';
import { createActor } from 'xstate';
import { busMachine } from '../../../machines/index.ts';
import { ConnectionError } from '../../../src/errors.ts';
import type { InspectionObserver } from '../../../src/index.ts';
import { gate, memoryBus, ping, Pinged, settle } from '../../support/memory-bus.ts';
import { idleBus, scriptedBus } from '../../support/scripted-broker.ts';

const refusal = () => new ConnectionError('wrong password', { retryable: false });

/** What no path of the model leads to: brokers that refuse, block or hang, and calls at odd moments. */
export function busFocus(inspect: InspectionObserver): void {
  describe('a bus whose broker', () => {
    it('refuses it has failed, refuses publishes, and tries again when it is asked to', async () => {
      const { bus, broker, clock } = idleBus({ inspect: every(inspect) });
      broker.connectFailure = refusal();
      await expect(bus.publish(ping())).rejects.toThrow('wrong password');
      expect(bus.state).toBe('failed');
      await expect(bus.publish(ping())).rejects.toThrow('wrong password');
      broker.connectFailure = undefined;
      await bus.connect();
      await bus.publish(ping());
      expect([bus.state, broker.asked.length]).toEqual(['connected', 1]);
      await clock.advance(6000);
    });

    it('is not reached in time is idle again, and what was published is rejected', async () => {
      const { bus, broker, clock } = idleBus({ inspect: every(inspect), connectTimeoutMs: 1000 });
      broker.connectFailure = new ConnectionError('nobody there');
      const publishing = bus.publish(ping()).catch((error: Error) => error.message);
      await clock.advance(1500);
      expect([bus.state, await publishing]).toEqual(['idle', expect.stringContaining('nobody there')]);
    });

    it('refuses it at a reconnection loses its consumer, and a handler that still runs can publish no more', async () => {
      const outcomes: unknown[] = [];
      const running = gate();
      const { bus, broker, clock } = await scriptedBus(
        (made) =>
          made.subscribe(Pinged, async (_, { publish }) => {
            await running.promise;
            await publish(ping(1)).catch((error: unknown) => outcomes.push(error));
          }),
        { inspect: every(inspect), connectTimeoutMs: 500 },
      );
      broker.deliver(ping());
      await settle(clock);
      broker.connectFailure = refusal();
      broker.lose();
      await clock.advance(6000);
      expect(bus.state).toBe('failed');
      broker.connectFailure = new ConnectionError('nobody there');
      void bus.connect().catch(() => undefined);
      await clock.advance(1000);
      expect(bus.state).toBe('idle');
      running.open();
      await settle(clock);
      expect(outcomes).toMatchObject([{ code: 'PUBLISH', stored: [] }]);
    });

    it('blocks publishing is degraded until it takes them again, is lost, or the bus stops', async () => {
      const { bus, broker, clock } = await scriptedBus(() => undefined, { inspect: every(inspect) });
      const isBlocked = () => bus.actor.getSnapshot().hasTag('blocked');
      const seen: boolean[] = [];
      for (const end of [
        () => broker.connection?.onBlocked?.(false),
        () => broker.lose(),
        () => void bus.shutdown(),
      ]) {
        broker.connection?.onBlocked?.(true);
        seen.push(isBlocked());
        end();
        await clock.advance(6000);
        seen.push(isBlocked());
      }
      expect(seen).toEqual([true, false, true, false, true, false]);
      expect(bus.state).toBe('stopped');
    });

    it('blocks publishing when its connection actor breaks can still be left', async () => {
      let isBroken = false;
      const random = (): number => {
        if (isBroken) throw new Error('no random numbers');
        return 0.5;
      };
      const { bus, broker, clock } = idleBus({ inspect: every(inspect), random });
      await bus.connect();
      broker.connection?.onBlocked?.(true);
      isBroken = true;
      broker.lose();
      await settle(clock);
      const stopped = bus.shutdown();
      await clock.advance(2000);
      expect([bus.state, await stopped]).toEqual(['stopped', expect.objectContaining({ aborted: 0 })]);
    });

    it('breaks its own contract is told of as an error, and ends nothing but the connection', async () => {
      const { bus, broker, clock } = idleBus({ inspect: every(inspect) });
      const { transport } = broker;
      const connect = transport.connect.bind(transport);
      bus.actor.getSnapshot().context.transport!.connect = async (...given) =>
        Object.assign(await connect(...given), { closed: undefined });
      void bus.connect().catch(() => undefined);
      await settle(clock);
      expect(bus.actor.getSnapshot()).toMatchObject({
        status: 'active',
        context: { hasConnectionActor: false, error: expect.any(TypeError) },
      });
    });
  });

  describe('a bus that drains', () => {
    it('connects again meanwhile, and lets a handler publish what it has to, and nobody else', async () => {
      const running = gate();
      const { bus, broker, clock } = await scriptedBus(
        (made) =>
          made.subscribe(Pinged, async (_, { publish }) => {
            await running.promise;
            await publish(ping(7));
          }),
        { inspect: every(inspect) },
      );
      broker.deliver(ping());
      await settle(clock);
      const stopped = bus.shutdown();
      bus.actor.send({ type: 'shutdown', timeoutMs: 0 });
      broker.lose();
      await clock.advance(200);
      expect(bus.state).toBe('draining');
      running.open();
      await settle(clock);
      expect(broker.asked.filter((what) => what.startsWith('publish'))).toHaveLength(1);
      expect(await stopped).toMatchObject({ settled: 1, aborted: 0, unpublished: 0, timedOut: false });
    });

    it('refuses what is published when its end is ordered already and not begun', async () => {
      const outcomes: unknown[] = [];
      const { bus, clock } = memoryBus({ inspect: every(inspect) });
      bus.subscribe(Pinged, ({ n }) => {
        if (n !== 0) return;
        void bus.shutdown();
        void bus.publish(ping(1)).then(() => outcomes.push(bus.getStats().eventsPublished));
      });
      await bus.publish(ping(0));
      await settle(clock);
      expect(outcomes).toEqual([1]);
    });

    it.each([
      ['stored when the connection returns', undefined, { unpublished: 0, timedOut: false }],
      ['given up when the broker refuses it', refusal(), { unpublished: 1, timedOut: true }],
    ])('has what is in doubt %s', async (_, failure, report) => {
      const { bus, broker, clock } = idleBus({ inspect: every(inspect) });
      await bus.connect();
      broker.answering = new Promise(() => undefined);
      const publishing = bus.publish(ping()).catch((error: Error) => error);
      const stopped = bus.shutdown({ timeoutMs: 5000 });
      await settle(clock);
      broker.answering = Promise.resolve();
      broker.publishFailure = failure;
      broker.connectFailure = failure;
      broker.lose();
      await clock.advance(300);
      // Its first answer never comes: only a loss that its driver tells of sends it again.
      if (failure === undefined) await clock.advance(5000);
      await clock.advance(2000);
      expect(bus.state).toBe('stopped');
      expect(await stopped).toMatchObject({
        ...report,
        ...(failure === undefined ? { unpublished: 1, timedOut: true } : {}),
      });
      await publishing;
    });

    it('gives up a first connection that does not come in time', async () => {
      const { bus, broker, clock } = idleBus({ inspect: every(inspect), connectTimeoutMs: 500 });
      broker.connectFailure = new ConnectionError('nobody there');
      const publishing = bus.publish(ping()).catch((error: Error) => error.message);
      await settle(clock);
      const stopped = bus.shutdown({ timeoutMs: 10_000 });
      await clock.advance(600);
      expect(await stopped).toMatchObject({ unpublished: 1 });
      expect(await publishing).toContain('1 not sent');
    });

    it('does not wait for ever for a connection that cannot be closed, or that fails to', async () => {
      for (const close of [() => new Promise<void>(() => undefined), () => Promise.reject(new Error('no'))]) {
        const { bus, broker, clock } = idleBus({ inspect: every(inspect) });
        await bus.connect();
        broker.ends.close = close;
        const stopped = bus.shutdown();
        await clock.advance(1600);
        expect(bus.state).toBe('stopped');
        expect(await stopped).toMatchObject({ timedOut: false });
      }
    });

    it('ends beside a dead letter that the broker never answers for', async () => {
      const { bus, broker, clock } = await scriptedBus(
        (made) =>
          made.subscribe(Pinged, () => {
            throw new Error('broken');
          }),
        { inspect: every(inspect), maxRetries: 0 },
      );
      Object.assign(broker.deliver(ping()), { deadLetter: () => new Promise(() => undefined) });
      await settle(clock);
      expect(bus.actor.getSnapshot().hasTag('deadLettering')).toBe(true);
      const stopped = bus.shutdown({ timeoutMs: 100 });
      await clock.advance(2000);
      expect(await stopped).toMatchObject({ aborted: 1, timedOut: true });
      expect(bus.actor.getSnapshot().hasTag('deadLettering')).toBe(false);
    });

    it('ends although its consumer actor has broken while a dead letter was being stored', async () => {
      const { bus, broker, clock } = await scriptedBus(
        (made) =>
          made.subscribe(Pinged, () => {
            throw new Error('broken');
          }),
        { inspect: every(inspect), maxRetries: 0 },
      );
      Object.assign(broker.deliver(ping()), { deadLetter: () => new Promise(() => undefined) });
      await settle(clock);
      bus.actor.getSnapshot().children['consumer']!.send({ type: 'deliveries', batch: undefined } as never);
      await settle(clock);
      const stopped = bus.shutdown({ timeoutMs: 1000 });
      await clock.advance(5000);
      expect(bus.state).toBe('stopped');
      expect(await stopped).toMatchObject({ settled: 0 });
    });

    it('closes although its publisher cannot tell what is stored', async () => {
      const { bus } = idleBus({ inspect: every(inspect) });
      const { context } = bus.actor.getSnapshot();
      const actor = createActor(busMachine, {
        inspect,
        input: {
          ...context,
          publisher: { ...context.publisher, drained: () => Promise.reject(new Error('no')) },
        },
      } as never).start();
      actor.send({ type: 'shutdown', timeoutMs: 1000 });
      await expect.poll(() => actor.getSnapshot().status).toBe('done');
    });
  });

  describe('a bus that reconnects', () => {
    it('may begin and end to consume meanwhile', async () => {
      const { bus, broker, clock } = idleBus({ inspect: every(inspect) });
      await bus.connect();
      broker.connectFailure = new ConnectionError('not yet');
      broker.lose();
      await settle(clock);
      bus.actor.send({ type: 'consume' });
      expect(bus.state).toBe('retrying');
      bus.actor.send({ type: 'stopConsuming', timeoutMs: 1000 });
      await settle(clock);
      expect(bus.actor.getSnapshot().context.hasConsumer).toBe(false);
      broker.connectFailure = undefined;
      await clock.advance(6000);
      expect(bus.state).toBe('connected');
    });
  });
}
