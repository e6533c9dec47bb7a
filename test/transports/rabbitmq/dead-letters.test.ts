import { afterEach, beforeEach, describe, expect, inject, it } from 'vitest';
import { NonRetryableError } from '../../../src/index.ts';
import { eventually, Placed, Rig, succeeds } from './rig.ts';

const rabbitmqUrl = inject('rabbitmqUrl');

describe.skipIf(rabbitmqUrl === undefined)('dead letters and waiting retries on RabbitMQ', () => {
  let rig: Rig;
  beforeEach(() => {
    rig = new Rig(rabbitmqUrl!);
  });
  afterEach(() => rig.close());

  /** A group with `count` dead letters, and what its handler has handled since. */
  async function deadLettered(count: number) {
    const handled: number[] = [];
    let isRepaired = false;
    const bus = rig.bus({ consumerGroup: 'g' });
    bus.subscribe(Placed, ({ n }) => {
      if (!isRepaired) throw new NonRetryableError(`no ${n}`);
      handled.push(n);
    });
    await bus.startConsumingInBackground();
    await bus.publish(Array.from({ length: count }, (_, n) => Placed({ aggregateId: 'a', n })));
    await eventually(
      () => bus.deadLetters.count(),
      (depth) => depth === count,
    );
    isRepaired = true;
    return { bus, handled };
  }

  it('are listed in the same order, however often, and stay', async () => {
    const { bus } = await deadLettered(5);
    const texts = async () => (await bus.deadLetters.list()).map(({ error }) => error.message);
    const first = await texts();
    expect(first).toEqual(['no 0', 'no 1', 'no 2', 'no 3', 'no 4']);
    expect(await texts()).toEqual(first);
    expect(await bus.deadLetters.count()).toBe(5);
  });

  it('are replayed from the middle, and the others stay as they were', async () => {
    const { bus, handled } = await deadLettered(5);
    const letters = await bus.deadLetters.list();
    await bus.deadLetters.replay(letters[2]!.id);
    await eventually(
      () => handled,
      ({ length }) => length === 1,
    );
    expect(handled).toEqual([2]);
    expect((await bus.deadLetters.list()).map(({ error }) => error.message)).toEqual([
      'no 0',
      'no 1',
      'no 3',
      'no 4',
    ]);
    expect(await bus.deadLetters.purge()).toBe(4);
    expect(await bus.deadLetters.count()).toBe(0);
  });

  it('are replayed from the middle of many, and as many as are wanted are listed, in their order', async () => {
    const { bus, handled } = await deadLettered(250);
    const numbers = async (options: { limit?: number; after?: string } = {}) =>
      (await bus.deadLetters.list({ limit: 1000, ...options })).map(({ error }) => error.message);
    const all = Array.from({ length: 250 }, (_, n) => `no ${n}`);
    expect(await numbers({ limit: 1 })).toEqual(['no 0']);
    const letters = await bus.deadLetters.list({ limit: 1000 });
    await bus.deadLetters.replay(letters[150]!.id);
    await eventually(
      () => handled,
      ({ length }) => length === 1,
    );
    expect(handled).toEqual([150]);
    expect(await numbers()).toEqual(all.filter((_, n) => n !== 150));
    expect(await numbers({ limit: 3, after: letters[120]!.cursor })).toEqual(all.slice(121, 124));
    expect(await bus.deadLetters.replayAll()).toMatchObject({ matched: 249, replayed: 249 });
    expect(await bus.deadLetters.count()).toBe(0);
  });

  it('come into a queue that is declared again when somebody deleted it, and their delivery is settled', async () => {
    const { bus } = await deadLettered(1);
    const other = rig.bus({ consumerGroup: 'other' });
    other.subscribe(Placed, ({ n }) => {
      throw new NonRetryableError(`no ${n}`);
    });
    await other.startConsumingInBackground();
    await rig.raw((channel) => channel.deleteQueue(`${rig.queue('other')}.dlq`));
    await bus.publish(Placed({ aggregateId: 'a', n: 7 }));
    const letters = await eventually(
      () => other.deadLetters.list(),
      ({ length }) => length === 1,
    );
    expect(letters[0]?.error.message).toBe('no 7');
    await other.shutdown();
    expect(await rig.raw((channel) => channel.checkQueue(rig.queue('other')))).toMatchObject({
      messageCount: 0,
    });
  });

  it('are not made by a retry that waits at the broker: it comes to the group again, counted', async () => {
    const attempts: number[] = [];
    const bus = rig.bus({
      consumerGroup: 'g',
      ordering: 'none',
      maxRetries: 2,
      retry: { waitIn: 'broker', baseDelayMs: 100, jitter: 0 },
    });
    const others: number[] = [];
    const other = rig.bus({ consumerGroup: 'other' });
    other.subscribe(Placed, (_event, { attempt }) => void others.push(attempt));
    await other.startConsumingInBackground();
    bus.subscribe(Placed, (_event, { attempt }) => {
      attempts.push(attempt);
      if (attempt < 2) throw new Error('not yet');
    });
    await bus.startConsumingInBackground();
    await bus.publish(Placed({ aggregateId: 'a', n: 1 }));
    const waiting = `${rig.queue('g')}.retry.1000`;
    await eventually(
      () => rig.raw((channel) => channel.checkQueue(waiting)).catch(() => ({ messageCount: 0 })),
      ({ messageCount }) => messageCount === 1,
    );
    await eventually(
      () => attempts,
      ({ length }) => length === 2,
    );
    expect(attempts).toEqual([1, 2]);
    expect(others).toEqual([1]);
    expect(await bus.deadLetters.count()).toBe(0);
  });

  it('are counted beside what is ready and in hand', async () => {
    const { bus } = await deadLettered(2);
    expect(await bus.getQueueInfo()).toEqual({
      queue: rig.queue('g'),
      deadLetterQueue: `${rig.queue('g')}.dlq`,
      ready: 0,
      unsettledHere: 0,
      consumers: 1,
      deadLetters: 2,
    });
  });

  it('come back to a consumer whose queue was deleted and made again, without a word from the user', async () => {
    const seen: number[] = [];
    const bus = rig.bus({ consumerGroup: 'g' });
    bus.subscribe(Placed, ({ n }) => void seen.push(n));
    await bus.startConsumingInBackground();
    await bus.publish(Placed({ aggregateId: 'a', n: 1 }));
    await eventually(
      () => seen,
      ({ length }) => length === 1,
    );
    await rig.raw((channel) => channel.deleteQueue(rig.queue('g')));
    await eventually(() => succeeds(bus.publish(Placed({ aggregateId: 'a', n: 2 }))), Boolean);
    await eventually(
      () => seen,
      (numbers) => numbers.includes(2),
    );
  });
});
