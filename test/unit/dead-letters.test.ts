import { describe, expect, it } from 'vitest';
import { ConfigurationError } from '../../src/errors.ts';
import { memoryBus, ping, Pinged, pong, Ponged, settle } from '../support/memory-bus.ts';

/** A bus whose handlers fail until they are repaired. */
function brokenBus(options: Parameters<typeof memoryBus>[0] = {}) {
  const all = memoryBus(options);
  const state = { isBroken: true };
  const seen: string[] = [];
  const handler =
    (name: string, fails: boolean) =>
    ({ n }: { n: number }): void => {
      seen.push(`${name} ${n}`);
      if (fails && state.isBroken) throw new TypeError(`${name} can't take ${n}`);
    };
  all.bus.subscribe([Pinged, Ponged], handler('weak', true), { name: 'weak' });
  all.bus.subscribe([Pinged, Ponged], handler('strong', false), { name: 'strong' });
  return { ...all, state, seen };
}

describe('dead letters in memory', () => {
  it('hold the original, and who failed why', async () => {
    const { bus, clock } = brokenBus({ retry: { maxRetries: 1, baseDelayMs: 100, jitter: 0 } });
    const event = ping(7);
    const start = clock.now();
    void bus.publish(event);
    await clock.advance(100);
    const [letter, ...others] = await bus.deadLetters.list();
    expect(others).toEqual([]);
    expect(letter).toMatchObject({
      eventId: event.eventId,
      eventType: 'Pinged',
      aggregateId: 'ball',
      reason: 'attempts-exhausted',
      error: { name: 'TypeError', message: "weak can't take 7" },
      failedHandlers: [
        { name: 'weak', reason: 'attempts-exhausted', attempts: 2, error: "weak can't take 7" },
      ],
      attempts: 2,
      group: 'default',
      destination: 'memory',
      firstFailedAt: new Date(start),
      lastFailedAt: new Date(start + 100),
      replayCount: 0,
    });
    expect(letter?.id).toMatch(/^[\w-]{22}$/);
    expect(JSON.parse(Buffer.from(letter?.body ?? []).toString())).toMatchObject({ n: 7 });
    expect(await bus.getDlqMessages()).toEqual([letter]);
    expect(await bus.getDlqMessages({ count: 0 })).toEqual([]);
  });

  it('are listed oldest first, page by page, and filtered by type, reason and time', async () => {
    const { bus, clock } = brokenBus();
    const start = clock.now();
    for (let n = 0; n < 5; n++) {
      await bus.publish(n % 2 === 0 ? ping(n) : pong(n));
      await clock.advance(1000);
    }
    const all = await bus.deadLetters.list();
    expect(all.map(({ eventType }) => eventType)).toEqual(['Pinged', 'Ponged', 'Pinged', 'Ponged', 'Pinged']);
    const first = await bus.deadLetters.list({ limit: 2 });
    const rest = await bus.deadLetters.list({ after: first[1]?.cursor ?? '' });
    expect([...first, ...rest]).toEqual(all);
    expect(await bus.deadLetters.count()).toBe(5);
    expect(await bus.deadLetters.count({ eventType: 'Ponged' })).toBe(2);
    expect(await bus.deadLetters.count({ reason: 'not-retryable' })).toBe(0);
    expect(
      await bus.deadLetters.count({ since: new Date(start + 1000), until: new Date(start + 3000) }),
    ).toBe(2);
    expect(await bus.deadLetters.count({ group: 'another' })).toBe(0);
    expect(await bus.deadLetters.count({ group: '*', eventType: 'Pinged' })).toBe(3);
  });

  it('are replayed to the handlers that failed only, with the causation and id they had', async () => {
    const { bus, state, seen } = brokenBus();
    const event = ping(1);
    await bus.publish(event);
    state.isBroken = false;
    const replayed: unknown[] = [];
    bus.subscribeToAllEvents((one) => replayed.push(one), { name: 'late' });
    seen.length = 0;
    const [letter] = await bus.deadLetters.list();
    expect(await bus.deadLetters.replay(letter?.id ?? '')).toBe(true);
    await bus.idle();
    expect(seen).toEqual(['weak 1']);
    expect(replayed).toEqual([]);
    expect(await bus.deadLetters.count()).toBe(0);
    expect(await bus.deadLetters.replay(letter?.id ?? '')).toBe(false);
    expect(await bus.replayDlqMessage('nothing')).toBe(false);
  });

  it('are replayed to all, or to those named, when told so', async () => {
    const { bus, state, seen } = brokenBus();
    await bus.publish([ping(1), ping(2)]);
    state.isBroken = false;
    seen.length = 0;
    const [first, second] = await bus.deadLetters.list();
    await bus.deadLetters.replay(first?.id ?? '', { handlers: 'all' });
    await bus.deadLetters.replay(second?.id ?? '', { handlers: ['strong'] });
    await bus.idle();
    expect(seen).toEqual(['weak 1', 'strong 1', 'strong 2']);
  });

  it('come back with a higher replay count when they fail again', async () => {
    const { bus } = brokenBus();
    await bus.publish(ping(1));
    const [before] = await bus.deadLetters.list();
    await bus.replayDlqMessage(before?.id ?? '');
    await bus.idle();
    const [after, ...others] = await bus.deadLetters.list();
    expect(others).toEqual([]);
    expect(after).toMatchObject({ replayCount: 1, eventId: before?.eventId, position: before?.position });
    expect(after?.id).not.toBe(before?.id);
    expect(Buffer.from(after?.body ?? [])).toEqual(Buffer.from(before?.body ?? []));
  });

  it('come back as no-such-handler when none of those that failed is here', async () => {
    const { bus } = brokenBus();
    await bus.publish(ping(1));
    bus.clearSubscribers();
    const [letter] = await bus.deadLetters.list();
    expect(await bus.deadLetters.replay(letter?.id ?? '')).toBe(true);
    await bus.idle();
    expect(await bus.deadLetters.list()).toMatchObject([{ reason: 'no-such-handler', replayCount: 1 }]);
  });

  it('replayAll replays what exists now, and what fails again is not replayed twice', async () => {
    const { bus, seen } = brokenBus();
    await bus.publish([ping(1), pong(2), ping(3)]);
    seen.length = 0;
    expect(await bus.deadLetters.replayAll({ eventType: 'Pinged' }, { dryRun: true })).toEqual({
      matched: 2,
      replayed: 0,
      failed: [],
    });
    expect(seen).toEqual([]);
    expect(await bus.deadLetters.replayAll()).toEqual({ matched: 3, replayed: 3, failed: [] });
    await bus.idle();
    expect(seen).toEqual(['weak 1', 'weak 2', 'weak 3']);
    expect(await bus.deadLetters.count()).toBe(3);
  });

  it('replayAll keeps to ratePerSecond', async () => {
    const { bus, clock, state, seen } = brokenBus();
    await bus.publish([ping(1), ping(2), ping(3)]);
    state.isBroken = false;
    seen.length = 0;
    const replayed = bus.deadLetters.replayAll({}, { ratePerSecond: 2 });
    await settle(clock);
    expect(seen).toHaveLength(1);
    await clock.advance(499);
    expect(seen).toHaveLength(1);
    await clock.advance(1);
    expect(seen).toHaveLength(2);
    await clock.advance(500);
    expect(await replayed).toMatchObject({ replayed: 3 });
  });

  it('purge removes those chosen, for good', async () => {
    const { bus } = brokenBus();
    await bus.publish([ping(1), pong(2), ping(3)]);
    expect(await bus.deadLetters.purge({ eventType: 'Pinged' })).toBe(2);
    expect(await bus.deadLetters.count()).toBe(1);
    expect(await bus.deadLetters.purge()).toBe(1);
    expect(await bus.deadLetters.purge()).toBe(0);
  });

  it('are bounded by maxDeadLetters: the oldest goes, and counts as dropped', async () => {
    const { bus } = brokenBus({ maxDeadLetters: 3 });
    for (let n = 0; n < 5; n++) await bus.publish(ping(n));
    const letters = await bus.deadLetters.list();
    expect(letters.map(({ error }) => error.message)).toEqual([2, 3, 4].map((n) => `weak can't take ${n}`));
    expect(bus.getStats()).toMatchObject({ deadLettered: 5, dropped: 2 });
  });

  it('are not kept with enableDlq false: logged at error, counted as dropped', async () => {
    const { bus, logger } = brokenBus({ enableDlq: false });
    await bus.publish(ping(1));
    expect(await bus.deadLetters.count()).toBe(0);
    expect(bus.getStats()).toMatchObject({ deadLettered: 0, dropped: 1, inFlight: 0 });
    const [line, ...others] = logger.lines.filter(({ level }) => level === 'error');
    expect(others).toEqual([]);
    expect(line?.message).toContain('enableDlq');
    expect(line?.fields).toMatchObject({ eventType: 'Pinged', subscription: 'weak' });
  });

  it.each([NaN, -1, 1.5, Infinity])('are not listed up to %d', async (limit) => {
    const { bus } = memoryBus();
    await expect(bus.deadLetters.list({ limit })).rejects.toThrow(ConfigurationError);
  });

  it.each([NaN, 0, -5, Infinity])('are not replayed at %d a second', async (ratePerSecond) => {
    const { bus } = memoryBus();
    await expect(bus.deadLetters.replayAll({}, { ratePerSecond })).rejects.toThrow(ConfigurationError);
  });

  it.each([
    ['null', () => null],
    ['undefined', () => undefined],
    ['a string', () => 'text'],
    ['a thing without text', () => Object.create(null) as unknown],
    [
      'a throwing getter',
      () => ({
        get code(): string {
          throw new Error('getter');
        },
        get message(): string {
          throw new Error('getter');
        },
      }),
    ],
    ['a long stack', () => Object.assign(new Error('x'.repeat(5000)), { stack: 'y'.repeat(50_000) })],
  ])('take whatever was thrown: %s', async (_, make) => {
    const { bus } = memoryBus();
    bus.subscribe(Pinged, () => {
      throw make();
    });
    bus.subscribe(Pinged, () => Promise.reject(make() as Error));
    await bus.publish(ping());
    await bus.idle();
    const [letter] = await bus.deadLetters.list();
    expect(letter?.failedHandlers).toHaveLength(2);
    expect((letter?.error.stack ?? '').length).toBeLessThanOrEqual(8192);
    expect(letter?.error.message.length).toBeLessThanOrEqual(1024);
    expect(bus.getStats()).toMatchObject({ handlerErrors: 2, deadLettered: 1, inFlight: 0 });
  });
});
