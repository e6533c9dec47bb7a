import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { NonRetryableError } from '../../../src/errors.ts';
import type { HandlerFailure, RetryPolicy } from '../../../src/contracts/settlement.ts';
import { Fifo } from '../../../machines/fifo.ts';
import { Lanes } from '../../../machines/lanes.ts';
import { Routes, targeted, TARGETS, type Route } from '../../../machines/routes.ts';
import { Runs } from '../../../machines/runs.ts';
import { backoffMs, decideAttempt, decideSettlement } from '../../../machines/settlement.ts';
import { Troubles, type DeliveriesChanged } from '../../../machines/troubles.ts';
import { Work } from '../../../machines/work.ts';
import { runSeed } from '../../support/seed.ts';

const seed = runSeed();
const policy = (given: Partial<RetryPolicy> = {}): RetryPolicy => ({
  maxRetries: 3,
  baseDelayMs: 1000,
  maxDelayMs: 60_000,
  jitter: 0.1,
  ...given,
});

describe('Fifo', () => {
  it('does what an array does', () => {
    const command = fc.oneof(
      fc.record({ do: fc.constant('push' as const), count: fc.constantFrom(1, 3, 1500) }),
      fc.record({
        do: fc.constantFrom('shift' as const, 'peek' as const),
        count: fc.constantFrom(1, 5, 1200),
      }),
      fc.record({ do: fc.constantFrom('unshift' as const, 'drain' as const), count: fc.constant(2) }),
      fc.record({ do: fc.constant('remove' as const), count: fc.nat(3000) }),
    );
    fc.assert(
      fc.property(fc.array(command, { maxLength: 25 }), (commands) => {
        const fifo = new Fifo<number>();
        let array: number[] = [];
        let next = 0;
        for (const { do: what, count } of commands) {
          if (what === 'push')
            for (let n = 0; n < count; n++) {
              fifo.push(next);
              array.push(next++);
            }
          else if (what === 'shift') for (let n = 0; n < count; n++) expect(fifo.shift()).toBe(array.shift());
          else if (what === 'peek') expect(fifo.peek()).toBe(array[0]);
          else if (what === 'unshift') {
            const items = [next++, next++];
            fifo.unshift(items);
            array.unshift(...items);
          } else if (what === 'drain') {
            expect(fifo.drain()).toEqual(array);
            array = [];
          } else {
            const was = array.includes(count);
            expect(fifo.remove(count)).toBe(was);
            if (was) array.splice(array.indexOf(count), 1);
          }
          expect(fifo.length).toBe(array.length);
        }
        expect(fifo.drain()).toEqual(array);
      }),
      { seed, numRuns: 200 },
    );
  });
});

describe('Lanes', () => {
  it('let one item of a key hold its lane, the others follow in order, and forget keys nobody uses', () => {
    const command = fc.record({
      key: fc.constantFrom('a', 'b'),
      do: fc.constantFrom('enter', 'enter', 'release', 'remove'),
      at: fc.nat(5),
    });
    fc.assert(
      fc.property(fc.array(command, { maxLength: 60 }), (commands) => {
        const lanes = new Lanes<number>(() => false);
        const model = new Map<string, number[]>([
          ['a', []],
          ['b', []],
        ]);
        let next = 0;
        for (const { key, do: what, at } of commands) {
          const lane = model.get(key) as number[];
          if (what === 'enter') {
            expect(lanes.enter(key, next)).toBe(lane.length === 0);
            lane.push(next++);
          } else if (what === 'release' && lane.length > 0) {
            lane.shift();
            expect(lanes.release(key)).toBe(lane[0]);
          } else if (what === 'remove') {
            const item = lane[at + 1];
            expect(lanes.remove(key, item ?? -1)).toBe(item !== undefined);
            if (item !== undefined) lane.splice(at + 1, 1);
          }
          const waiting = [...model.values()].reduce((sum, { length }) => sum + Math.max(0, length - 1), 0);
          expect(lanes.waiting).toBe(waiting);
          expect([...lanes.keys].toSorted()).toEqual(
            [...model].filter(([, { length }]) => length > 0).map(([name]) => name),
          );
        }
        expect(lanes.removeWaiting()).toHaveLength(
          [...model.values()].flatMap((lane) => lane.slice(1)).length,
        );
        expect(lanes.waiting).toBe(0);
      }),
      { seed, numRuns: 300 },
    );
  });

  it('keep an item that precedes others before them, and behind its equals', () => {
    const lanes = new Lanes<number>((item, other) => item < other);
    for (const item of [0, 5, 3, 4, 3]) lanes.enter('a', item);
    expect([1, 2, 3, 4, 5].map(() => lanes.release('a'))).toEqual([3, 3, 4, 5, undefined]);
  });
});

describe('the backoff', () => {
  const inputs = fc.record({
    attempt: fc.integer({ min: 1, max: 2000 }),
    baseDelayMs: fc.nat(100_000),
    maxDelayMs: fc.nat(1_000_000),
    jitter: fc.double({ min: 0, max: 1, noNaN: true }),
    random: fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
  });

  it('stays within jitter of the doubled delay or its ceiling', () => {
    fc.assert(
      fc.property(inputs, ({ attempt, random, ...given }) => {
        const delay = backoffMs(attempt, given, () => random);
        const middle = Math.min(given.baseDelayMs * 2 ** (attempt - 1) || 0, given.maxDelayMs);
        expect(Number.isInteger(delay)).toBe(true);
        expect(delay).toBeGreaterThanOrEqual(Math.floor(middle * (1 - given.jitter)));
        expect(delay).toBeLessThanOrEqual(Math.ceil(middle * (1 + given.jitter)));
      }),
      { seed, numRuns: 500 },
    );
  });

  it('grows with the attempts, without jitter', () => {
    const delays = [1, 2, 3, 4, 7, 8, 100].map((attempt) =>
      backoffMs(attempt, policy({ jitter: 0 }), () => 0.3),
    );
    expect(delays).toEqual([1000, 2000, 4000, 8000, 60_000, 60_000, 60_000]);
  });
});

describe('an attempt that failed', () => {
  it.each([
    [1, 'retry'],
    [3, 'retry'],
    [4, 'fail'],
  ])('is followed by another as long as there are retries left: attempt %d', (attempt, kind) => {
    expect(decideAttempt(new Error('x'), attempt, policy(), () => 0.5).kind).toBe(kind);
  });

  it('is the last when nothing else can help, by class or by code alone', () => {
    for (const error of [new NonRetryableError('x'), { code: 'NON_RETRYABLE' }])
      expect(decideAttempt(error, 1, policy({ classify: () => 'retry' }), Math.random)).toEqual({
        kind: 'fail',
        reason: 'not-retryable',
      });
  });
});

describe('the settlement', () => {
  const failure = (reason: HandlerFailure['reason']): HandlerFailure => ({
    subscription: 's',
    reason,
    attempts: 1,
    error: undefined,
    firstFailedAt: 0,
    lastFailedAt: 0,
  });

  it('is one for all handlers: an ack, or a dead letter by the first reason that holds', () => {
    expect(decideSettlement([])).toEqual({ kind: 'ack' });
    const failures = [failure('attempts-exhausted'), failure('not-retryable')];
    expect(decideSettlement(failures)).toEqual({ kind: 'dead-letter', reason: 'not-retryable', failures });
    expect(decideSettlement([failure('attempts-exhausted')])).toMatchObject({ reason: 'attempts-exhausted' });
  });
});

describe('Runs', () => {
  const failed = (attempt: number, at: number) => ({
    subscription: 's',
    attempt,
    failure: { error: `error ${attempt}`, at },
  });

  it('follow a handler from its first failure to its last', () => {
    const runs = new Runs();
    expect(runs.note(failed(1, 10), () => ({ kind: 'retry', delayMs: 5 }), false)).toMatchObject({
      kind: 'retry',
    });
    expect([runs.hasWaiting, runs.hasRunning, runs.waiting]).toEqual([true, false, ['s']]);
    expect(runs.begin('s')).toBe(2);
    expect(runs.begin('s')).toBeUndefined();
    expect([runs.hasWaiting, runs.hasRunning]).toEqual([false, true]);
    runs.note(failed(2, 20), () => ({ kind: 'fail', reason: 'attempts-exhausted' }), false);
    expect(runs.failures).toEqual([
      {
        subscription: 's',
        reason: 'attempts-exhausted',
        attempts: 2,
        error: 'error 2',
        firstFailedAt: 10,
        lastFailedAt: 20,
      },
    ]);
  });

  it('forget a handler that succeeded, was dropped or cancelled', () => {
    const runs = new Runs();
    const retry = () => ({ kind: 'retry', delayMs: 5 }) as const;
    runs.note(failed(1, 0), retry, false);
    runs.note({ subscription: 's', attempt: 2 }, retry, false);
    runs.note(failed(1, 0), () => ({ kind: 'drop' }), false);
    expect([runs.failures, runs.hasWaiting, runs.hasRunning]).toEqual([[], false, false]);
    runs.note(failed(1, 0), retry, false);
    runs.begin('s');
    runs.cancel('s');
    expect(runs.hasRunning).toBe(true);
    runs.putBack('s');
    expect(runs.hasWaiting).toBe(true);
    runs.cancel('s');
    expect(runs.hasWaiting).toBe(false);
  });
});

describe('Troubles', () => {
  it('tell only of changes: the worst of what goes on, in all and for each subscription', () => {
    const told: string[] = [];
    const troubles = new Troubles((subscription: string | undefined, { now }: DeliveriesChanged) =>
      told.push(`${subscription ?? 'all'} ${now}`),
    );
    const lines = (): string[] => told.splice(0);
    troubles.retryBegun('s');
    expect(lines()).toEqual(['s retrying', 'all retrying']);
    troubles.retryBegun('s');
    troubles.retryBegun('t');
    expect(lines()).toEqual(['t retrying']);
    troubles.deadLetteringBegun(['s']);
    troubles.storeFailingBegun('deadLetterFailing');
    expect(lines()).toEqual(['s deadLettering', 'all deadLettering', 'all deadLetterFailing']);
    troubles.storeFailingEnded('deadLetterFailing');
    troubles.deadLetteringEnded(['s']);
    expect(lines()).toEqual(['all deadLettering', 's retrying', 'all retrying']);
    troubles.retryEnded('s');
    troubles.retryEnded('s');
    troubles.retryEnded('t');
    expect(lines()).toEqual(['s flowing', 't flowing', 'all flowing']);
    expect(troubles.toJSON()).toEqual({ retrying: 0, deadLettering: 0 });
  });
});

describe('Work', () => {
  it('tells all who wait once nothing is open, and whoever asks then at once', async () => {
    const work = new Work();
    await work.idle();
    work.begin(2);
    let told = 0;
    const waiting = [work.idle(), work.idle()].map((idle) => idle.then(() => told++));
    work.end();
    await Promise.resolve();
    expect(told).toBe(0);
    work.end();
    await Promise.all(waiting);
    expect({ told, open: work.open }).toEqual({ told: 2, open: 0 });
  });
});

describe('Routes', () => {
  const route = (subscription: string): Route => ({ subscription, handler: {} as Route['handler'] });

  it('are in registration order, those for the type before those for all, and remember no unknown type', () => {
    const routes = new Routes();
    expect(routes.isEmpty).toBe(true);
    const [all, one, both] = [route('all'), route('one'), route('both')];
    routes.add(undefined, all);
    routes.add(['A'], one);
    routes.add(['A', 'B'], both);
    expect(routes.of('A')).toEqual([one, both, all]);
    expect(routes.of('B')).toEqual([both, all]);
    expect(routes.of('C')).toEqual([all]);
    routes.remove(both);
    routes.remove(all);
    expect([routes.of('A'), routes.of('B'), routes.isEmpty]).toEqual([[one], [], false]);
    routes.remove(one);
    expect(routes.isEmpty).toBe(true);
  });

  it('keep those named in the header of a replay, whatever characters their names have', () => {
    const routes = [route('a,b'), route('c d'), route('é')];
    expect(targeted(routes, {})).toBe(routes);
    const header = ['a,b', 'é', 'gone'].map(encodeURIComponent).join(',');
    expect(targeted(routes, { [TARGETS]: header }).map(({ subscription }) => subscription)).toEqual([
      'a,b',
      'é',
    ]);
    expect(targeted(routes, { [TARGETS]: '' })).toEqual([]);
  });

  it('take a header that is no URI encoding as it stands', () => {
    expect(targeted([route('100%')], { [TARGETS]: '100%' })).toHaveLength(1);
  });
});
