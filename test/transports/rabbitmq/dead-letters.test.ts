import { afterEach, beforeEach, describe, expect, inject, it } from 'vitest';
import { NonRetryableError } from '../../../src/index.ts';
import { eventually, Placed, Rig } from './rig.ts';

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

  it('show what the broker itself dead-lettered, with its reason', async () => {
    const bus = rig.bus({ consumerGroup: 'g' });
    bus.subscribe(Placed, () => undefined);
    await bus.startConsumingInBackground();
    await bus.stopConsuming();
    const event = Placed({ aggregateId: 'a', n: 1 });
    await bus.publish(event);
    await eventually(
      () =>
        rig.raw(async (channel) => {
          const message = await channel.get(rig.queue('g'));
          if (message !== false) channel.reject(message, false);
          return message !== false;
        }),
      Boolean,
    );
    const letters = await eventually(
      () => bus.deadLetters.list(),
      ({ length }) => length === 1,
    );
    expect(letters[0]).toMatchObject({ reason: 'rejected-by-broker' });
    expect(letters[0]?.error.message).toMatch(/rejected/);
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
    await eventually(
      () =>
        bus.publish(Placed({ aggregateId: 'a', n: 2 })).then(
          () => true,
          () => false,
        ),
      Boolean,
    );
    await eventually(
      () => seen,
      (numbers) => numbers.includes(2),
    );
  });
});
