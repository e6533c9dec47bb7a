import { createActor, fromTransition } from 'xstate';
import { describe, expect, it } from 'vitest';
import { PublishQueue } from '../../../src/bus/publish-queue.ts';
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

function queueOf(options: { publishTimeoutMs?: number; maxQueuedPublishes?: number } = {}) {
  const clock = new VirtualClock();
  const stats = createStats();
  const work = new Work();
  const queue = new PublishQueue({
    publishTimeoutMs: 30_000,
    maxQueuedPublishes: 10,
    isStoredOnceSent: false,
    clock,
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
  return { queue, clock, stats, work, publish, results, bus };
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
