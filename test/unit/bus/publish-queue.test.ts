import { createActor, fromTransition } from 'xstate';
import { describe, expect, it } from 'vitest';
import { PublishQueue } from '../../../src/bus/publish-queue.ts';
import type { Clock } from '../../../src/contracts/clock.ts';
import type { Message } from '../../../src/contracts/message.ts';
import type { Connection } from '../../../src/contracts/transport.ts';
import { PublishError, PublishFailure } from '../../../src/errors.ts';
import { createStats } from '../../../src/observability/stats.ts';
import { VirtualClock } from '../../../src/testing/clock.ts';
import { Work } from '../../../machines/work.ts';
import { gate, settle, type Gate } from '../../support/memory-bus.ts';

const message = (id: string): Message => ({
  id,
  type: 'Pinged',
  key: id,
  attributes: {},
  headers: {},
  body: '{}',
});

interface Sent {
  readonly ids: string[];
  readonly answer: Gate;
}

/** A connection that answers when the test says so. */
class FakeConnection {
  readonly sent: Sent[] = [];
  publish(messages: readonly Message[]): Promise<void> {
    const answer = gate();
    this.sent.push({ ids: messages.map(({ id }) => id), answer });
    return answer.promise;
  }
  get port(): Connection {
    return this as unknown as Connection;
  }
}

/** One whose time of day is set `aheadMs` wrong while its timers go on. */
function resettable(clock: VirtualClock): Clock & { aheadMs: number } {
  return {
    aheadMs: 0,
    now() {
      return clock.now() + this.aheadMs;
    },
    elapsed: () => clock.now(),
    setTimeout: (callback, delayMs) => clock.setTimeout(callback, delayMs),
    clearTimeout: (handle) => clock.clearTimeout(handle as number),
  };
}

function queueOf(options: { publishTimeoutMs?: number; maxQueuedPublishes?: number } = {}) {
  const clock = new VirtualClock();
  const wall = resettable(clock);
  const stats = createStats();
  const work = new Work();
  const queue = new PublishQueue({
    publishTimeoutMs: 30_000,
    maxQueuedPublishes: 10,
    isStoredOnceSent: false,
    clock: wall,
    stats,
    work,
    ...options,
  });
  const bus = createActor(
    fromTransition((state: undefined, event: { type: string; request?: object }) => {
      if (event.request !== undefined) queue.accept(event.request);
      return state;
    }, undefined),
  ).start();
  const results: Record<string, unknown> = {};
  const publish = (...ids: string[]): void => {
    results[ids.join()] = 'waiting';
    void queue.publish(bus, ids.map(message), false).then(
      () => (results[ids.join()] = 'stored'),
      (error: unknown) => (results[ids.join()] = error),
    );
  };
  return { queue, clock, wall, stats, work, publish, results, bus };
}

const idsOf = ({ sent }: FakeConnection): string[] => sent.map(({ ids }) => ids.join());

describe('the publish queue', () => {
  it('sends in order, without waiting for answers in between', async () => {
    const { queue, clock, publish, results, stats, work } = queueOf();
    const connection = new FakeConnection();
    queue.connectionOpened(connection.port);
    publish('a', 'b');
    publish('c');
    expect(idsOf(connection)).toEqual(['a,b', 'c']);
    connection.sent[1]?.answer.open();
    await settle(clock);
    expect(results).toEqual({ 'a,b': 'waiting', c: 'stored' });
    connection.sent[0]?.answer.open();
    await settle(clock);
    expect(results).toEqual({ 'a,b': 'stored', c: 'stored' });
    expect(stats.eventsPublished).toBe(3);
    expect(work.open).toBe(0);
    expect(clock.pending).toBe(0);
  });

  it.each([3_600_000, -3_600_000])(
    'waits as long as ever when the time is set %i ms off',
    async (aheadMs) => {
      const { clock, wall, publish, results } = queueOf({ publishTimeoutMs: 30_000 });
      publish('a');
      await clock.advance(10_000);
      wall.aheadMs = aheadMs;
      publish('b');
      await clock.advance(19_000);
      expect(results).toEqual({ a: 'waiting', b: 'waiting' });
      await clock.advance(1_000);
      expect(results).toEqual({ a: expect.any(PublishError), b: 'waiting' });
      await clock.advance(10_000);
      expect(results['b']).toBeInstanceOf(PublishError);
    },
  );

  it('keeps what is published without a connection, and sends it in order once there is one', () => {
    const { queue, publish } = queueOf();
    publish('a');
    publish('b');
    const connection = new FakeConnection();
    queue.connectionOpened(connection.port);
    publish('c');
    expect(idsOf(connection)).toEqual(['a', 'b', 'c']);
  });

  it('sends what was in doubt again over the next connection, with the same ids, before what came later', async () => {
    const { queue, clock, publish, results } = queueOf();
    const first = new FakeConnection();
    queue.connectionOpened(first.port);
    publish('a', 'b');
    publish('c');
    queue.connectionLost();
    for (const { answer } of first.sent) answer.fail(new Error('gone'));
    publish('d');
    await settle(clock);
    const second = new FakeConnection();
    queue.connectionOpened(second.port);
    expect(idsOf(second)).toEqual(['a,b', 'c', 'd']);
    for (const { answer } of second.sent) answer.open();
    await settle(clock);
    expect(Object.values(results)).toEqual(['stored', 'stored', 'stored']);
  });

  it.each<[string, (answer: Gate) => void, string[]]>([
    ['is confirmed after all', (answer) => answer.open(), ['b', 'c']],
    ['is known to have failed', (answer) => answer.fail(new Error('gone')), ['a', 'b', 'c']],
    [
      'is refused for good',
      (answer) =>
        answer.fail(new PublishFailure('no', { stored: [], unknown: [], unsent: [0] }, { retryable: false })),
      ['b', 'c'],
    ],
  ])('lets nothing overtake what the lost connection carried, until that %s', async (_, end, sentThen) => {
    const { queue, clock, publish } = queueOf();
    const first = new FakeConnection();
    queue.connectionOpened(first.port);
    publish('a');
    publish('b');
    queue.connectionLost();
    first.sent[1]?.answer.fail(new Error('gone'));
    await settle(clock);
    const second = new FakeConnection();
    queue.connectionOpened(second.port);
    publish('c');
    expect(idsOf(second)).toEqual([]);
    end(first.sent[0]!.answer);
    await settle(clock);
    expect(idsOf(second)).toEqual(sentThen);
  });

  it('lets nothing overtake the only one that the lost connection carried', async () => {
    const { queue, clock, publish } = queueOf();
    const first = new FakeConnection();
    queue.connectionOpened(first.port);
    publish('a');
    queue.connectionLost();
    const second = new FakeConnection();
    queue.connectionOpened(second.port);
    publish('b');
    expect(idsOf(second)).toEqual([]);
    first.sent[0]?.answer.open();
    await settle(clock);
    expect(idsOf(second)).toEqual(['b']);
  });

  it('lets nothing overtake what waits to be sent again', async () => {
    const { queue, clock, publish } = queueOf();
    const connection = new FakeConnection();
    queue.connectionOpened(connection.port);
    publish('a');
    connection.sent[0]?.answer.fail(new Error('busy'));
    await settle(clock);
    publish('b');
    expect(idsOf(connection)).toEqual(['a']);
    await clock.advance(500);
    expect(idsOf(connection)).toEqual(['a', 'a', 'b']);
  });

  it('waits for the answer of a lost connection no longer than the publish may take', async () => {
    const { queue, clock, publish, results } = queueOf({ publishTimeoutMs: 1_000 });
    queue.connectionOpened(new FakeConnection().port);
    publish('a');
    queue.connectionLost();
    const second = new FakeConnection();
    queue.connectionOpened(second.port);
    await clock.advance(500);
    publish('b');
    await clock.advance(500);
    expect(results['a']).toMatchObject({ name: 'PublishError', unknown: ['a'] });
    expect(idsOf(second)).toEqual(['b']);
  });

  it('sends only what is not known to be stored again', async () => {
    const { queue, clock, publish, stats } = queueOf();
    const first = new FakeConnection();
    queue.connectionOpened(first.port);
    publish('a', 'b', 'c');
    queue.connectionLost();
    first.sent[0]?.answer.fail(new PublishFailure('cut', { stored: [0], unknown: [1], unsent: [2] }));
    await settle(clock);
    const second = new FakeConnection();
    queue.connectionOpened(second.port);
    expect(idsOf(second)).toEqual(['b,c']);
    expect(stats.eventsPublished).toBe(1);
  });

  it('waits a little before it sends again over the same connection', async () => {
    const { queue, clock, publish, results } = queueOf();
    const connection = new FakeConnection();
    queue.connectionOpened(connection.port);
    publish('a');
    connection.sent[0]?.answer.fail(new Error('busy'));
    await clock.advance(100);
    expect(idsOf(connection)).toEqual(['a']);
    await clock.advance(400);
    expect(idsOf(connection)).toEqual(['a', 'a']);
    connection.sent[1]?.answer.open();
    await settle(clock);
    expect(results).toEqual({ a: 'stored' });
    expect(clock.pending).toBe(0);
  });

  describe('that is refused again and again', () => {
    /** Refuses `refused` whenever it is sent, stores the rest, and notes when that was. */
    function refusing(clock: VirtualClock, refused: string) {
      const times: number[] = [];
      const start = clock.now();
      const port = {
        publish: (messages: readonly Message[]) => {
          const at = messages.findIndex(({ id }) => id === refused);
          if (at < 0) return Promise.resolve();
          times.push(clock.now() - start);
          const stored = [...messages.keys()].filter((other) => other !== at);
          return Promise.reject(new PublishFailure('nacked', { stored, unknown: [at], unsent: [] }));
        },
      };
      return { times, port: port as unknown as Connection };
    }
    /** Doubled until it is every two seconds, in half a minute. */
    const BACKING_OFF = [0, 200, 600, 1400, ...Array.from({ length: 14 }, (_, times) => 3000 + times * 2000)];

    it('sends it less and less often, and calls it in doubt in the end', async () => {
      const { queue, clock, publish, results } = queueOf();
      const { times, port } = refusing(clock, 'a');
      queue.connectionOpened(port);
      publish('a');
      await clock.advance(30_000);
      expect(times).toEqual(BACKING_OFF);
      expect(results['a']).toMatchObject({ unknown: ['a'], unsent: [] });
      expect(clock.pending).toBe(0);
    });

    it('sends it no more often because of others, stored or timed out beside it', async () => {
      const { queue, clock, publish, results } = queueOf({ maxQueuedPublishes: 1000 });
      publish('early');
      await clock.advance(28_000);
      const { times, port } = refusing(clock, 'a');
      const stuck = new FakeConnection();
      queue.connectionOpened(stuck.port);
      queue.connectionOpened(port);
      publish('a');
      for (let n = 0; n < 100; n++) {
        publish(`b${n}`);
        await clock.advance(250);
      }
      expect(results['early']).toBeInstanceOf(PublishError);
      expect(times).toEqual(BACKING_OFF.filter((ms) => ms <= 25_000));
      // One that waits behind it waits for its next turn at most.
      await clock.advance(5000);
      expect(Object.values(results).filter((result) => result === 'stored')).toHaveLength(100);
    });

    it('sends the others soon again once some of its list are stored', async () => {
      const { queue, clock, publish } = queueOf();
      const connection = new FakeConnection();
      queue.connectionOpened(connection.port);
      publish('a', 'b');
      const nextFails = (outcome: { stored: number[]; unknown: number[] }) =>
        connection.sent.at(-1)?.answer.fail(new PublishFailure('nacked', { ...outcome, unsent: [] }));
      for (const waitMs of [200, 400, 800]) {
        nextFails({ stored: [], unknown: [0, 1] });
        await clock.advance(waitMs);
      }
      expect(idsOf(connection)).toEqual(['a,b', 'a,b', 'a,b', 'a,b']);
      nextFails({ stored: [0], unknown: [1] });
      await clock.advance(200);
      expect(idsOf(connection).at(-1)).toBe('b');
    });

    it('sends it at once over another connection', async () => {
      const { queue, clock, publish } = queueOf();
      const first = refusing(clock, 'a');
      queue.connectionOpened(first.port);
      publish('a');
      await clock.advance(4000);
      queue.connectionLost();
      const second = new FakeConnection();
      queue.connectionOpened(second.port);
      expect(idsOf(second)).toEqual(['a']);
      await clock.advance(10_000);
      expect(idsOf(second)).toEqual(['a']);
    });
  });

  it('rejects when its time is up, and says which are stored, in doubt and unsent', async () => {
    const { queue, clock, publish, results, work } = queueOf({ publishTimeoutMs: 1000 });
    const connection = new FakeConnection();
    queue.connectionOpened(connection.port);
    publish('a', 'b', 'c');
    queue.connectionLost();
    connection.sent[0]?.answer.fail(new PublishFailure('cut', { stored: [0], unknown: [1], unsent: [2] }));
    await clock.advance(999);
    expect(results).toEqual({ 'a,b,c': 'waiting' });
    publish('d');
    await clock.advance(1);
    expect(results['a,b,c']).toBeInstanceOf(PublishError);
    expect(results['a,b,c']).toMatchObject({ stored: ['a'], unknown: ['b'], unsent: ['c'], retryable: true });
    expect(results['d']).toBe('waiting');
    await clock.advance(999);
    expect(results['d']).toMatchObject({ stored: [], unknown: [], unsent: ['d'] });
    expect(work.open).toBe(0);
    expect(clock.pending).toBe(0);
  });

  it('counts what has no answer yet as in doubt', async () => {
    const { queue, clock, publish, results } = queueOf({ publishTimeoutMs: 1000 });
    const connection = new FakeConnection();
    queue.connectionOpened(connection.port);
    publish('a');
    await clock.advance(1000);
    expect(results['a']).toMatchObject({ stored: [], unknown: ['a'], unsent: [] });
    connection.sent[0]?.answer.open();
    await settle(clock);
    expect(results['a']).toBeInstanceOf(PublishError);
  });

  it('rejects at once what the broker refuses for good', async () => {
    const { queue, clock, publish, results } = queueOf();
    const connection = new FakeConnection();
    queue.connectionOpened(connection.port);
    publish('a');
    connection.sent[0]?.answer.fail(
      new PublishFailure('too large', { stored: [], unknown: [], unsent: [0] }, { retryable: false }),
    );
    await settle(clock);
    expect(results['a']).toMatchObject({ unsent: ['a'], message: expect.stringContaining('too large') });
  });

  it('is bounded in events: beyond it publish rejects as overloaded, and takes more once some are stored', async () => {
    const { queue, clock, publish, results } = queueOf({ maxQueuedPublishes: 3 });
    publish('a', 'b');
    publish('c', 'd');
    publish('e');
    await settle(clock);
    expect(results['c,d']).toMatchObject({ code: 'OVERLOADED', unsent: ['c', 'd'] });
    expect(results['e']).toBe('waiting');
    const connection = new FakeConnection();
    queue.connectionOpened(connection.port);
    connection.sent[0]?.answer.open();
    await settle(clock);
    publish('f', 'g');
    expect(idsOf(connection)).toEqual(['a,b', 'e', 'f,g']);
  });

  it('tells how many it gave up, and rejects each', async () => {
    const { queue, clock, publish, results } = queueOf();
    const connection = new FakeConnection();
    publish('a', 'b');
    queue.connectionOpened(connection.port);
    publish('c');
    let isDrained = false;
    void queue.drained().then(() => (isDrained = true));
    await settle(clock);
    expect(isDrained).toBe(false);
    expect(queue.abort(undefined)).toBe(3);
    await settle(clock);
    expect(isDrained).toBe(true);
    expect(results['a,b']).toBeInstanceOf(PublishError);
    expect(results['c']).toMatchObject({ unknown: ['c'] });
    expect(clock.pending).toBe(0);
  });
});
