import { describe, expect, it } from 'vitest';
import { BusStoppedError, EncodeError } from '../../../src/errors.ts';
import { gate, memoryBus, ping, Pinged, pong, Ponged, settle } from '../../support/memory-bus.ts';

describe('publish in memory', () => {
  it('settles when every handler has ended', async () => {
    const { bus, clock } = memoryBus();
    const ended = gate();
    let isSettled = false;
    bus.subscribe(Pinged, () => ended.promise);
    const published = bus.publish(ping()).then(() => (isSettled = true));
    await settle(clock);
    expect(isSettled).toBe(false);
    ended.open();
    await published;
    expect(bus.getStats()).toMatchObject({ eventsPublished: 1, eventsConsumed: 1, handlersInvoked: 1 });
  });

  it('begins event i+1 of a list when every handler of event i has ended', async () => {
    const { bus } = memoryBus();
    const log: string[] = [];
    for (const name of ['a', 'b'])
      bus.subscribe(
        Pinged,
        async ({ n }) => {
          log.push(`${name}${n} begins`);
          for (let turn = 0; turn <= n + (name === 'a' ? 3 : 0); turn++) await Promise.resolve();
          log.push(`${name}${n} ends`);
        },
        { name },
      );
    await bus.publish([ping(0), ping(1)]);
    expect(log.slice(0, 2)).toEqual(['a0 begins', 'b0 begins']);
    expect(log.slice(2, 4).sort()).toEqual(['a0 ends', 'b0 ends']);
    expect(log.slice(4, 6)).toEqual(['a1 begins', 'b1 begins']);
    expect(log.slice(6).sort()).toEqual(['a1 ends', 'b1 ends']);
  });

  it('keeps separate calls independent: the second is not held up by the first', async () => {
    const { bus, clock } = memoryBus();
    const first = gate();
    const ended: number[] = [];
    bus.subscribe(Pinged, async ({ n }) => {
      if (n === 1) await first.promise;
      ended.push(n);
    });
    const slow = bus.publish(ping(1));
    await bus.publish(ping(2));
    await settle(clock);
    expect(ended).toEqual([2]);
    first.open();
    await slow;
    expect(ended).toEqual([2, 1]);
  });

  it('never rejects because a handler failed, and runs the other handlers', async () => {
    const { bus } = memoryBus();
    const ran: string[] = [];
    bus.subscribe(Pinged, () => {
      throw new Error('sync');
    });
    bus.subscribe(Pinged, () => Promise.reject(new Error('async')));
    bus.subscribe(Pinged, () => ran.push('specific'));
    bus.subscribeToAllEvents(() => ran.push('wildcard'));
    await expect(bus.publish(ping())).resolves.toBeUndefined();
    expect(ran).toEqual(['specific', 'wildcard']);
    expect(bus.getStats()).toMatchObject({
      handlersInvoked: 2,
      handlerErrors: 2,
      deadLettered: 1,
      inFlight: 0,
    });
  });

  it('starts handlers in registration order, those for the type before those for all', async () => {
    const { bus } = memoryBus();
    const started: string[] = [];
    bus.subscribeToAllEvents(() => started.push('wildcard 1'));
    bus.subscribe(Pinged, () => started.push('specific 1'));
    bus.subscribe([Ponged, Pinged], () => started.push('specific 2'));
    bus.subscribeToAllEvents(() => started.push('wildcard 2'));
    await bus.publish(ping());
    expect(started).toEqual(['specific 1', 'specific 2', 'wildcard 1', 'wildcard 2']);
  });

  it('counts what nobody wants as ignored, and warns once a type', async () => {
    const { bus, logger } = memoryBus();
    await bus.publish([ping(), ping(), pong()]);
    expect(bus.getStats()).toMatchObject({ eventsPublished: 3, eventsIgnored: 3, eventsConsumed: 0 });
    expect(logger.at('warn')).toHaveLength(2);
  });

  it('takes an empty list as done', async () => {
    const { bus } = memoryBus();
    await bus.publish([]);
    expect(bus.getStats().eventsPublished).toBe(0);
  });

  it('rejects what is no event, and does not throw', async () => {
    const { bus } = memoryBus();
    for (const wrong of [null, undefined, 5, {}, [null]])
      await expect(bus.publish(wrong as never)).rejects.toThrow(EncodeError);
    expect(bus.getStats().eventsPublished).toBe(0);
  });

  it('publishes nothing of a list with something wrong in it', async () => {
    const { bus } = memoryBus();
    const seen: unknown[] = [];
    bus.subscribeToAllEvents((event) => seen.push(event));
    await expect(bus.publish([ping(), {} as never])).rejects.toThrow(EncodeError);
    expect(seen).toEqual([]);
  });

  it('stops waiting when its signal aborts, and recalls nothing', async () => {
    const { bus } = memoryBus();
    const ended = gate();
    let hasEnded = false;
    bus.subscribe(Pinged, async () => {
      await ended.promise;
      hasEnded = true;
    });
    const controller = new AbortController();
    const published = bus.publish(ping(), { signal: controller.signal });
    controller.abort(new Error('enough'));
    await expect(published).rejects.toThrow('enough');
    ended.open();
    await bus.idle();
    expect(hasEnded).toBe(true);
  });

  it('rejects at once, and publishes nothing, when its signal has aborted before', async () => {
    const { bus } = memoryBus();
    await expect(bus.publish(ping(), { signal: AbortSignal.abort(new Error('enough')) })).rejects.toThrow(
      'enough',
    );
    expect(bus.getStats().eventsPublished).toBe(0);
  });
});

describe('a publish from within a handler', () => {
  it('A→A: may await the same event of its own aggregate', async () => {
    const { bus } = memoryBus();
    const seen: number[] = [];
    bus.subscribe(Pinged, async ({ n }) => {
      if (n < 3) await bus.publish(ping(n + 1));
      seen.push(n);
    });
    await bus.publish(ping(0));
    expect(seen).toEqual([3, 2, 1, 0]);
  });

  it('X→Y→X: may await a cycle through another type', async () => {
    const { bus } = memoryBus();
    const seen: string[] = [];
    bus.subscribe(Pinged, async ({ n }) => {
      seen.push(`ping ${n}`);
      if (n < 2) await bus.publish(pong(n));
    });
    bus.subscribe(Ponged, async ({ n }) => {
      seen.push(`pong ${n}`);
      await bus.publish(ping(n + 1));
    });
    await bus.publish(ping(0));
    expect(seen).toEqual(['ping 0', 'pong 0', 'ping 1', 'pong 1', 'ping 2']);
  });

  it.each(['awaited', 'not awaited'])('nests 100,000 deep, %s', async (how) => {
    const { bus } = memoryBus();
    const depth = 100_000;
    let reached = 0;
    bus.subscribe(Pinged, async ({ n }) => {
      reached = Math.max(reached, n);
      if (n >= depth) return;
      const nested = bus.publish(ping(n + 1));
      if (how === 'awaited') await nested;
    });
    await bus.publish(ping(1));
    await bus.idle();
    expect(reached).toBe(depth);
    expect(bus.getStats()).toMatchObject({ handlersInvoked: depth, inFlight: 0 });
  });

  it('nests 100,000 deep from handlers that are not async', async () => {
    const { bus } = memoryBus();
    let reached = 0;
    bus.subscribe(Pinged, ({ n }) => {
      reached = n;
      if (n < 100_000) void bus.publish(ping(n + 1));
    });
    await bus.publish(ping(1));
    await bus.idle();
    expect(reached).toBe(100_000);
  });

  it('nests while retrying: a further attempt may await what it publishes', async () => {
    const { bus, clock } = memoryBus({ retry: { maxRetries: 1, baseDelayMs: 100 } });
    const seen: string[] = [];
    bus.subscribe(Pinged, async ({ n }, { attempt }) => {
      seen.push(`${n}/${attempt}`);
      if (n === 0 && attempt === 1) throw new Error('again');
      if (n === 0) await bus.publish(ping(1));
    });
    let isSettled = false;
    void bus.publish(ping(0)).then(() => (isSettled = true));
    await settle(clock);
    expect(isSettled).toBe(false);
    await clock.advance(120);
    expect(isSettled).toBe(true);
    expect(seen).toEqual(['0/1', '0/2', '1/1']);
  });

  it('ctx.publish sets causation and correlation, and settles when accepted', async () => {
    const { bus } = memoryBus();
    const cause = ping(0);
    const effects: unknown[] = [];
    bus.subscribe(Pinged, async (_, { publish }) => publish([pong(1), pong(2)]));
    bus.subscribe(Ponged, (event) => effects.push(event));
    await bus.publish(cause);
    await bus.idle();
    expect(effects).toHaveLength(2);
    for (const effect of effects)
      expect(effect).toMatchObject({ causationId: cause.eventId, correlationId: cause.correlationId });
  });
});

describe('a publish in the background', () => {
  it('returns at once, and its handlers run later', async () => {
    const { bus } = memoryBus();
    const ended = gate();
    let hasBegun = false;
    bus.subscribe(Pinged, () => {
      hasBegun = true;
      return ended.promise;
    });
    await bus.publish(ping(), { background: true });
    expect(bus.getStats()).toMatchObject({ backgroundTasksCreated: 1, backgroundTasksCompleted: 0 });
    ended.open();
    await bus.idle();
    expect(hasBegun).toBe(true);
    expect(bus.getStats().backgroundTasksCompleted).toBe(1);
  });

  it('runs inline beyond maxBackgroundTasks: then publish waits for the handlers', async () => {
    const { bus, clock } = memoryBus({ maxBackgroundTasks: 2 });
    const ended = gate();
    bus.subscribe(Pinged, () => ended.promise);
    await bus.publish(ping(1), { background: true });
    await bus.publish(ping(2), { background: true });
    let isSettled = false;
    const third = bus.publish(ping(3), { background: true }).then(() => (isSettled = true));
    await settle(clock);
    expect(isSettled).toBe(false);
    expect(bus.getStats().backgroundTasksCreated).toBe(2);
    ended.open();
    await third;
    await bus.idle();
    expect(bus.getStats()).toMatchObject({ backgroundTasksCompleted: 2, handlersInvoked: 3 });
  });

  it('runs as many at once as concurrency says', async () => {
    const { bus, clock } = memoryBus({ concurrency: 3 });
    const ended = gate();
    let running = 0;
    let most = 0;
    bus.subscribe(Pinged, async () => {
      most = Math.max(most, ++running);
      await ended.promise;
      running--;
    });
    for (let n = 0; n < 10; n++) await bus.publish(ping(n), { background: true });
    await settle(clock);
    expect(running).toBe(3);
    ended.open();
    await bus.idle();
    expect(most).toBe(3);
    expect(bus.getStats().handlersInvoked).toBe(10);
  });
});

describe('idle', () => {
  it('settles at once on a bus that does nothing', async () => {
    const { bus } = memoryBus();
    await bus.idle();
  });

  it('waits for background publishes, nested ones and retries', async () => {
    const { bus, clock } = memoryBus({ retry: { maxRetries: 1, baseDelayMs: 500 } });
    let ended = 0;
    bus.subscribe(Pinged, (_, { attempt, publish }) => {
      if (attempt === 1) throw new Error('again');
      void publish(pong());
      ended++;
    });
    bus.subscribe(Ponged, async () => {
      await Promise.resolve();
      ended++;
    });
    await bus.publish(ping(), { background: true });
    let isIdle = false;
    void bus.idle().then(() => (isIdle = true));
    await clock.advance(400);
    expect(isIdle).toBe(false);
    await clock.advance(200);
    expect({ isIdle, ended }).toEqual({ isIdle: true, ended: 2 });
  });
});

describe('stats', () => {
  it('are a copy, and reset to zero but for what is in flight', async () => {
    const { bus, clock } = memoryBus();
    const ended = gate();
    bus.subscribe(Pinged, () => ended.promise);
    const published = bus.publish(ping());
    await settle(clock);
    const before = bus.getStats();
    expect(before).toMatchObject({ eventsPublished: 1, inFlight: 1 });
    bus.resetStats();
    expect(before.eventsPublished).toBe(1);
    expect(bus.getStats()).toMatchObject({ eventsPublished: 0, eventsConsumed: 0, inFlight: 1 });
    ended.open();
    await published;
    expect(bus.getStats()).toMatchObject({ handlersInvoked: 1, inFlight: 0 });
  });
});

describe('a stopped bus', () => {
  it('refuses what is published', async () => {
    const { bus } = memoryBus();
    await bus.shutdown();
    await expect(bus.publish(ping())).rejects.toThrow(BusStoppedError);
    await expect(bus.publish([ping()], { background: true })).rejects.toThrow(BusStoppedError);
  });
});
