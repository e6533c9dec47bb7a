import { describe, expect, it } from 'vitest';
import { HandlerTimeoutError, NonRetryableError } from '../../../src/errors.ts';
import type { Classification } from '../../../src/contracts/settlement.ts';
import { gate, memoryBus, ping, Pinged, settle } from '../../support/memory-bus.ts';

describe('retry', () => {
  it('is off by default in memory', async () => {
    const { bus } = memoryBus();
    let runs = 0;
    bus.subscribe(Pinged, () => {
      runs++;
      throw new Error('no');
    });
    await bus.publish(ping());
    expect(runs).toBe(1);
    expect(bus.getStats()).toMatchObject({ retries: 0, handlerErrors: 1, deadLettered: 1 });
  });

  it('runs only those again that failed, and publish settles after the last attempt', async () => {
    const { bus, clock } = memoryBus({ maxRetries: 2 });
    const attempts: Record<string, number[]> = { good: [], flaky: [], bad: [] };
    bus.subscribe(Pinged, (_, { attempt }) => attempts['good']?.push(attempt), { name: 'good' });
    bus.subscribe(Pinged, (_, { attempt }) => {
      attempts['flaky']?.push(attempt);
      if (attempt === 1) throw new Error('once');
    });
    bus.subscribe(Pinged, (_, { attempt }) => {
      attempts['bad']?.push(attempt);
      throw new Error('always');
    });
    let isSettled = false;
    void bus.publish(ping()).then(() => (isSettled = true));
    await clock.advance(1150);
    expect(isSettled).toBe(false);
    await clock.advance(2250);
    expect(isSettled).toBe(true);
    expect(attempts).toEqual({ good: [1], flaky: [1, 2], bad: [1, 2, 3] });
    expect(bus.getStats()).toMatchObject({
      handlersInvoked: 2,
      handlerErrors: 4,
      retries: 3,
      deadLettered: 1,
      inFlight: 0,
    });
  });

  it('doubles the delay up to its ceiling', async () => {
    const retry = { maxRetries: 5, baseDelayMs: 100, maxDelayMs: 400, jitter: 0 };
    const { bus, clock } = memoryBus({ retry });
    const times: number[] = [];
    bus.subscribe(Pinged, () => {
      times.push(clock.now());
      throw new Error('no');
    });
    void bus.publish(ping());
    await clock.advance(10_000);
    expect(times.slice(1).map((time, at) => time - (times[at] as number))).toEqual([100, 200, 400, 400, 400]);
  });

  it.each([
    [0, 500],
    [0.5, 1000],
    [1, 1500],
  ])('varies the delay by jitter to either side: random %d → %d ms', async (random, delayMs) => {
    const { bus, clock } = memoryBus({
      retry: { maxRetries: 1, baseDelayMs: 1000, jitter: 0.5 },
      random: () => random,
    });
    let attempts = 0;
    bus.subscribe(Pinged, () => {
      attempts++;
      throw new Error('no');
    });
    void bus.publish(ping());
    await clock.advance(delayMs - 1);
    expect(attempts).toBe(1);
    await clock.advance(1);
    expect(attempts).toBe(2);
  });

  it("takes a subscription's own policy, field by field", async () => {
    const { bus, clock } = memoryBus({ retry: { maxRetries: 1, baseDelayMs: 100, jitter: 0 } });
    const attempts = { own: 0, shared: 0 };
    const fail = (name: 'own' | 'shared') => () => {
      attempts[name]++;
      throw new Error('no');
    };
    bus.subscribe(Pinged, fail('own'), { name: 'own', retry: { maxRetries: 3 } });
    bus.subscribe(Pinged, fail('shared'), { name: 'shared' });
    void bus.publish(ping());
    await clock.advance(100 + 200 + 400);
    expect(attempts).toEqual({ own: 4, shared: 2 });
  });

  it('does not run a NonRetryableError again', async () => {
    const { bus } = memoryBus({ maxRetries: 5 });
    let runs = 0;
    bus.subscribe(Pinged, () => {
      runs++;
      throw new NonRetryableError('never');
    });
    await bus.publish(ping());
    expect(runs).toBe(1);
    expect((await bus.deadLetters.list())[0]).toMatchObject({ reason: 'not-retryable', attempts: 1 });
  });

  it.each([
    ['drop', 1, { dropped: 1, deadLettered: 0 }],
    ['dead-letter', 1, { dropped: 0, deadLettered: 1 }],
    ['retry', 2, { dropped: 0, deadLettered: 1 }],
    [undefined, 2, { dropped: 0, deadLettered: 1 }],
  ] as [Classification | undefined, number, object][])(
    'lets classify decide: %s',
    async (kind, runs, stats) => {
      const errors: unknown[] = [];
      const classify = (error: unknown): Classification | undefined => {
        errors.push(error);
        return kind;
      };
      const { bus, clock } = memoryBus({ retry: { maxRetries: 1, classify } });
      const error = new Error('x');
      let ran = 0;
      bus.subscribe(Pinged, () => {
        ran++;
        throw error;
      });
      void bus.publish(ping());
      await clock.advance(2000);
      await bus.idle();
      expect(ran).toBe(runs);
      expect(errors[0]).toBe(error);
      expect(bus.getStats()).toMatchObject({ ...stats, inFlight: 0 });
    },
  );

  it('takes a classify that throws as "retry"', async () => {
    const classify = (): never => {
      throw new Error('broken');
    };
    const { bus, clock } = memoryBus({ retry: { maxRetries: 1, classify } });
    let ran = 0;
    bus.subscribe(Pinged, () => {
      ran++;
      throw new Error('x');
    });
    void bus.publish(ping());
    await clock.advance(2000);
    expect(ran).toBe(2);
  });

  it('is cancelled by unsubscribe, and the others of that delivery go on', async () => {
    const { bus, clock } = memoryBus({ maxRetries: 2 });
    const attempts = { gone: 0, stays: 0 };
    const gone = bus.subscribe(Pinged, () => {
      attempts.gone++;
      throw new Error('x');
    });
    bus.subscribe(Pinged, (_, { attempt }) => {
      attempts.stays++;
      if (attempt === 1) throw new Error('once');
    });
    let isSettled = false;
    void bus.publish(ping()).then(() => (isSettled = true));
    await clock.advance(500);
    gone.unsubscribe();
    await clock.advance(5000);
    expect(isSettled).toBe(true);
    expect(attempts).toEqual({ gone: 1, stays: 2 });
    expect(bus.getStats()).toMatchObject({ deadLettered: 0, inFlight: 0 });
    expect(clock.pending).toBe(0);
  });

  it('ends the delivery at once when unsubscribe cancels the only retry', async () => {
    const { bus, clock } = memoryBus({ maxRetries: 2 });
    const subscription = bus.subscribe(Pinged, () => {
      throw new Error('x');
    });
    let isSettled = false;
    void bus.publish(ping()).then(() => (isSettled = true));
    await clock.advance(10);
    subscription.unsubscribe();
    await settle(clock);
    expect(isSettled).toBe(true);
    await bus.idle();
  });

  it('bounds further attempts by concurrency', async () => {
    const { bus, clock } = memoryBus({
      retry: { maxRetries: 1, baseDelayMs: 100, jitter: 0 },
      concurrency: 2,
    });
    const ended = gate();
    let running = 0;
    bus.subscribe(Pinged, async (_, { attempt }) => {
      if (attempt === 1) throw new Error('again');
      running++;
      await ended.promise;
      running--;
    });
    for (let n = 0; n < 5; n++) void bus.publish(ping(n));
    await clock.advance(150);
    expect(running).toBe(2);
    ended.open();
    await bus.idle();
    expect(bus.getStats()).toMatchObject({ retries: 5, handlersInvoked: 5, inFlight: 0 });
  });
});

describe('a handler that takes too long', () => {
  const options = { timeoutMs: 800 };

  it('gets its signal aborted, and the attempt counts as failed once it returns', async () => {
    const { bus, clock } = memoryBus();
    const reasons: unknown[] = [];
    bus.subscribe(
      Pinged,
      (_, { signal }) =>
        new Promise<void>((resolve) =>
          signal.addEventListener('abort', () => {
            reasons.push(signal.reason);
            resolve();
          }),
        ),
      options,
    );
    const published = bus.publish(ping());
    await clock.advance(799);
    expect(reasons).toEqual([]);
    await clock.advance(201);
    expect(reasons[0]).toBeInstanceOf(HandlerTimeoutError);
    await published;
    const [letter] = await bus.deadLetters.list();
    expect(letter?.error.name).toBe('HandlerTimeoutError');
    expect(bus.getStats()).toMatchObject({ handlerErrors: 1, handlersInvoked: 0, zombieHandlers: 0 });
    expect((await bus.healthCheck()).status).toBe('healthy');
  });

  it('is waited for until its grace time is over, then written off: the bus is degraded', async () => {
    const { bus, clock } = memoryBus({ abortGraceMs: 400, maxRetries: 1 });
    const ended = gate();
    const attempts: number[] = [];
    bus.subscribe(
      Pinged,
      (_, { attempt }) => {
        attempts.push(attempt);
        if (attempt === 1) return ended.promise;
      },
      options,
    );
    void bus.publish(ping());
    await clock.advance(1000);
    expect(bus.getStats()).toMatchObject({ handlerErrors: 0, zombieHandlers: 0 });
    await clock.advance(500);
    expect(bus.getStats()).toMatchObject({ handlerErrors: 1, zombieHandlers: 1 });
    expect(await bus.healthCheck()).toMatchObject({ status: 'degraded', state: 'consuming' });
    await clock.advance(1200);
    expect(attempts).toEqual([1, 2]);
    ended.open();
    await settle(clock);
    expect(bus.getStats()).toMatchObject({
      handlersInvoked: 1,
      handlerErrors: 1,
      deadLettered: 0,
      inFlight: 0,
    });
  });

  it('starts no further attempt before the old call returned or was written off', async () => {
    const { bus, clock } = memoryBus({ abortGraceMs: 100_000, retry: { maxRetries: 1, baseDelayMs: 1 } });
    const ended = gate();
    let running = 0;
    let most = 0;
    bus.subscribe(
      Pinged,
      async (_, { attempt }) => {
        most = Math.max(most, ++running);
        if (attempt === 1) await ended.promise;
        running--;
      },
      options,
    );
    void bus.publish(ping());
    await clock.advance(50_000);
    expect({ most, retries: bus.getStats().retries }).toEqual({ most: 1, retries: 0 });
    ended.open();
    await clock.advance(10);
    expect({ most, retries: bus.getStats().retries }).toEqual({ most: 1, retries: 1 });
  });

  it('has 300 seconds by default, and no limit with timeoutMs 0', async () => {
    const { bus, clock } = memoryBus();
    const aborted: string[] = [];
    const wait = gate();
    const handler =
      (name: string) =>
      (_: unknown, { signal }: { signal: AbortSignal }) => {
        signal.addEventListener('abort', () => aborted.push(name));
        return wait.promise;
      };
    bus.subscribe(Pinged, handler('default'), { name: 'default' });
    bus.subscribe(Pinged, handler('unlimited'), { name: 'unlimited', timeoutMs: 0 });
    void bus.publish(ping());
    await clock.advance(299_999);
    expect(aborted).toEqual([]);
    await clock.advance(45_000);
    expect(aborted).toEqual(['default']);
    wait.open();
    await bus.idle();
  });
});
