import { describe, expect, it } from 'vitest';
import { BusStoppedError } from '../../../src/errors.ts';
import { gate, memoryBus, ping, Pinged, pong, Ponged, settle } from '../../support/memory-bus.ts';

describe('shutdown', () => {
  it('lets what runs end, and reports it', async () => {
    const { bus, clock } = memoryBus();
    const ended = gate();
    bus.subscribe(Pinged, () => ended.promise);
    const published = [bus.publish(ping(1)), bus.publish(ping(2))];
    await settle(clock);
    const stopped = bus.shutdown();
    expect(bus.state).toBe('draining');
    ended.open();
    expect(await stopped).toEqual({ settled: 2, released: 0, aborted: 0, unpublished: 0, timedOut: false });
    await Promise.all(published);
    expect(bus.state).toBe('stopped');
    expect(clock.pending).toBe(0);
  });

  it('counts what it settled while draining, and nothing from before', async () => {
    const { bus } = memoryBus();
    bus.subscribe(Pinged, () => undefined);
    await bus.publish([ping(), ping()]);
    expect(await bus.shutdown()).toMatchObject({ settled: 0, aborted: 0, timedOut: false });
  });

  it('aborts what its time cuts off', async () => {
    const { bus, clock } = memoryBus();
    const signals: AbortSignal[] = [];
    const never = gate();
    bus.subscribe(Pinged, (_, { signal }) => {
      signals.push(signal);
      return never.promise;
    });
    bus.subscribe(Ponged, () => Promise.resolve());
    const cut = bus.publish(ping());
    const stopped = bus.shutdown({ timeoutMs: 2000 });
    await clock.advance(1999);
    expect(signals[0]?.aborted).toBe(false);
    await clock.advance(1);
    expect(await stopped).toEqual({ settled: 0, released: 0, aborted: 1, unpublished: 0, timedOut: true });
    expect(signals[0]?.aborted).toBe(true);
    await cut;
    expect(bus.state).toBe('stopped');
    expect(clock.pending).toBe(0);
  });

  it('reports both: what ended in time and what was cut off', async () => {
    const { bus, clock } = memoryBus();
    const quick = gate();
    bus.subscribe(Pinged, ({ n }) => (n < 3 ? quick.promise : gate().promise));
    for (let n = 1; n <= 5; n++) void bus.publish(ping(n));
    const stopped = bus.shutdown({ timeoutMs: 1000 });
    quick.open();
    await clock.advance(1000);
    expect(await stopped).toEqual({ settled: 2, released: 0, aborted: 3, unpublished: 0, timedOut: true });
  });

  it('takes shutdownTimeoutMs when the call names no time', async () => {
    const { bus, clock } = memoryBus({ shutdownTimeoutMs: 700 });
    bus.subscribe(Pinged, () => gate().promise);
    void bus.publish(ping());
    const stopped = bus.shutdown();
    await clock.advance(699);
    expect(bus.state).toBe('draining');
    await clock.advance(1);
    expect(await stopped).toMatchObject({ timedOut: true });
  });

  it('is idempotent: concurrent and later calls share one report', async () => {
    const { bus } = memoryBus();
    const ended = gate();
    bus.subscribe(Pinged, () => ended.promise);
    void bus.publish(ping());
    const first = bus.shutdown();
    const second = bus.shutdown({ timeoutMs: 1 });
    ended.open();
    const report = await first;
    expect(report).toMatchObject({ settled: 1 });
    expect(await second).toBe(report);
    expect(await bus.shutdown()).toBe(report);
  });

  it('runs what waits for a retry once at once, then dead-letters it', async () => {
    const { bus, clock } = memoryBus({ maxRetries: 5, retry: { baseDelayMs: 60_000 } });
    const attempts: number[] = [];
    bus.subscribe(Pinged, (_, { attempt }) => {
      attempts.push(attempt);
      throw new Error('x');
    });
    void bus.publish(ping());
    await settle(clock);
    const before = clock.now();
    const report = await bus.shutdown();
    expect(clock.now()).toBe(before);
    expect(attempts).toEqual([1, 2]);
    expect(report).toMatchObject({ settled: 1, aborted: 0, timedOut: false });
    expect(bus.getStats()).toMatchObject({ deadLettered: 1, inFlight: 0 });
    expect(clock.pending).toBe(0);
  });

  it('refuses publishes from outside while it drains', async () => {
    const { bus } = memoryBus();
    const ended = gate();
    bus.subscribe(Pinged, () => ended.promise);
    void bus.publish(ping());
    const stopped = bus.shutdown();
    const refused = bus.publish(ping());
    ended.open();
    await expect(refused).rejects.toThrow(BusStoppedError);
    expect(await stopped).toMatchObject({ settled: 1 });
  });

  it('takes what handlers publish by their context while it drains', async () => {
    const { bus } = memoryBus();
    const ended = gate();
    const cause = ping();
    const effects: unknown[] = [];
    bus.subscribe(Pinged, async (_, context) => {
      await ended.promise;
      await context.publish([pong(1), pong(2)]);
    });
    bus.subscribe(Ponged, async (event) => {
      await Promise.resolve();
      effects.push(event);
    });
    void bus.publish(cause);
    const stopped = bus.shutdown();
    ended.open();
    expect(await stopped).toEqual({ settled: 3, released: 0, aborted: 0, unpublished: 0, timedOut: false });
    expect(effects).toHaveLength(2);
    expect(effects[1]).toMatchObject({ causationId: cause.eventId, correlationId: cause.correlationId });
  });

  it('finishes a list that was accepted before it began', async () => {
    const { bus } = memoryBus();
    const ended = gate();
    const seen: number[] = [];
    bus.subscribe(Pinged, async ({ n }) => {
      seen.push(n);
      if (n === 1) await ended.promise;
    });
    void bus.publish([ping(1), ping(2), ping(3)]);
    const stopped = bus.shutdown();
    ended.open();
    expect(await stopped).toMatchObject({ settled: 3, aborted: 0 });
    expect(seen).toEqual([1, 2, 3]);
  });

  it('finishes background publishes that were accepted before it began', async () => {
    const { bus } = memoryBus({ concurrency: 1 });
    const seen: number[] = [];
    bus.subscribe(Pinged, async ({ n }) => {
      await Promise.resolve();
      seen.push(n);
    });
    for (let n = 0; n < 4; n++) await bus.publish(ping(n), { background: true });
    expect(await bus.shutdown()).toMatchObject({ aborted: 0, timedOut: false });
    expect(seen).toEqual([0, 1, 2, 3]);
  });

  it('is what `await using` does', async () => {
    const seen: number[] = [];
    let state: () => string;
    {
      const { bus } = memoryBus();
      await using scoped = bus;
      state = () => scoped.state;
      scoped.subscribe(Pinged, async ({ n }) => {
        await Promise.resolve();
        seen.push(n);
      });
      await scoped.publish(ping(7), { background: true });
    }
    expect(seen).toEqual([7]);
    expect(state()).toBe('stopped');
  });
});

describe('pause', () => {
  it('of the bus: what is published waits until resume, in order; what runs goes on', async () => {
    const { bus, clock } = memoryBus();
    const seen: number[] = [];
    bus.subscribe(Pinged, ({ n }) => seen.push(n));
    bus.pause();
    const published = [bus.publish(ping(1)), bus.publish(ping(2))];
    await settle(clock);
    expect(seen).toEqual([]);
    expect(bus.getStats().inFlight).toBe(0);
    bus.resume();
    await Promise.all(published);
    expect(seen).toEqual([1, 2]);
  });

  it('of one subscription leaves the others running', async () => {
    const { bus, clock } = memoryBus();
    const seen: string[] = [];
    const first = bus.subscribe(Pinged, ({ n }) => seen.push(`first ${n}`));
    bus.subscribe(Pinged, ({ n }) => seen.push(`second ${n}`));
    first.pause();
    const published = bus.publish(ping(1));
    await settle(clock);
    expect(seen).toEqual(['second 1']);
    expect(first.actor.getSnapshot().value).toBe('paused');
    first.resume();
    await published;
    expect(seen).toEqual(['second 1', 'first 1']);
    expect(first.actor.getSnapshot().value).toBe('consuming');
  });

  it('holds a further attempt too', async () => {
    const { bus, clock } = memoryBus({ retry: { maxRetries: 1, baseDelayMs: 10, jitter: 0 } });
    let attempts = 0;
    const subscription = bus.subscribe(Pinged, () => {
      attempts++;
      throw new Error('x');
    });
    void bus.publish(ping());
    await settle(clock);
    subscription.pause();
    await clock.advance(1000);
    expect(attempts).toBe(1);
    subscription.resume();
    await settle(clock);
    expect(attempts).toBe(2);
  });

  it('does not outlive a shutdown: what was held is run', async () => {
    const { bus, clock } = memoryBus();
    const seen: number[] = [];
    bus.subscribe(Pinged, ({ n }) => seen.push(n));
    bus.pause();
    void bus.publish(ping(1));
    await settle(clock);
    const stopped = bus.shutdown({ timeoutMs: 5000 });
    await clock.advance(5000);
    expect(await stopped).toMatchObject({ settled: 1, aborted: 0, timedOut: false });
    expect(seen).toEqual([1]);
  });
});

describe('consuming in memory', () => {
  it('has begun with the construction, needs no connect, and stops by stopConsuming until it starts again', async () => {
    const { bus, clock } = memoryBus();
    const seen: number[] = [];
    bus.subscribe(Pinged, ({ n }) => seen.push(n));
    expect(bus.state).toBe('consuming');
    await bus.connect();
    await bus.stopConsuming();
    void bus.publish(ping(1));
    await settle(clock);
    expect(seen).toEqual([]);
    await using consumption = await bus.startConsumingInBackground();
    await settle(clock);
    expect(seen).toEqual([1]);
    expect(consumption.done).toBeInstanceOf(Promise);
  });

  it('waitFor settles at the state, and rejects when its time is up or it cannot come any more', async () => {
    const { bus, clock } = memoryBus();
    await bus.waitFor('consuming');
    const late = bus.waitFor('stopped', { timeoutMs: 100 }).catch(String);
    await clock.advance(100);
    expect(await late).toMatch(/consuming.*stopped.*100 ms/);
    const drained = bus.waitFor((state) => state === 'stopped');
    await bus.shutdown();
    await drained;
    await expect(bus.waitFor('consuming')).rejects.toThrow(/stopped/);
    expect(clock.pending).toBe(0);
  });
});
