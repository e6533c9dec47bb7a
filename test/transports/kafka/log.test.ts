import { randomUUID } from 'node:crypto';
import { Kafka, logLevel } from 'kafkajs';
import { afterEach, beforeEach, describe, expect, inject, it } from 'vitest';
import { asRecords, distinct, eventually, Placed, placed, Rig, upTo } from './rig.ts';

const servers = inject('kafkaServers');

describe.skipIf(servers === undefined)('a log with gaps, on Kafka', () => {
  let rig: Rig;
  beforeEach(() => (rig = new Rig(servers!)));
  afterEach(() => rig.close());

  async function inTransactions(how: readonly { readonly from: number; readonly isKept: boolean }[]) {
    const producer = new Kafka({ brokers: servers!.split(','), logLevel: logLevel.NOTHING }).producer({
      transactionalId: randomUUID(),
      idempotent: true,
      maxInFlightRequests: 1,
    });
    await producer.connect();
    try {
      for (const { from, isKept } of how) {
        const transaction = await producer.transaction();
        await transaction.send({ topic: rig.topic, messages: asRecords(placed(10, 5, from), 'same') });
        await (isKept ? transaction.commit() : transaction.abort());
      }
    } finally {
      await producer.disconnect();
    }
  }

  const lag = async (bus: { getInfo(): Promise<{ readonly lag: number | undefined }> }) => {
    const info = await bus.getInfo();
    return info.lag;
  };

  it('gives what was committed, not what was aborted, and leaves no lag behind the last marker', async () => {
    const seen: number[] = [];
    const bus = await rig.consumer(seen);
    await inTransactions([
      { from: 0, isKept: true },
      { from: 100, isKept: false },
      { from: 10, isKept: true },
      { from: 200, isKept: false },
    ]);
    await eventually(
      () => seen.length,
      (count) => count >= 20,
    );
    await eventually(
      () => lag(bus),
      (now) => now === 0,
    );
    expect(seen).toEqual(upTo(20));
    const { partitions } = await bus.getTopicInfo();
    // One record to a transaction's ten, its marker.
    expect(partitions.map(({ high }) => high).toSorted((a, b) => b - a)[0]).toBe(44);
    for (const { committed = 0, high, lag: own } of partitions) expect([committed, own]).toEqual([high, 0]);
  });

  it('of replays counts in the lag, partition by partition', async () => {
    let isMended = false;
    const seen: number[] = [];
    const bus = await rig.consumer(seen, { maxRetries: 0 }, () => {
      if (!isMended) throw new Error('broken');
    });
    await rig.bus().publish(placed(12, 12));
    await eventually(
      () => bus.deadLetters.count(),
      (count) => count === 12,
    );
    await eventually(
      () => lag(bus),
      (now) => now === 0,
    );
    isMended = true;
    bus.pause();
    await bus.deadLetters.replayAll();
    const replays = async () => {
      const { lag: all, partitions } = await bus.getTopicInfo();
      const own = partitions.filter(({ topic }) => topic === `${rig.topic}.g.replay`);
      const sum = own.reduce((total, one) => total + one.lag, 0);
      return { all, sum, stored: own.reduce((total, one) => total + one.high, 0), parts: own.length };
    };
    expect(await replays()).toEqual({ all: 12, sum: 12, stored: 12, parts: 4 });
    bus.resume();
    await eventually(replays, ({ all }) => all === 0);
    expect(await replays()).toEqual({ all: 0, sum: 0, stored: 12, parts: 4 });
    expect(distinct(seen)).toEqual(upTo(12));
  });

  /** All but the newest ten of each partition. */
  const deleteRecords = () =>
    rig.admin(async (admin) => {
      const ranges = await admin.fetchTopicOffsets(rig.topic);
      const partitions = ranges
        .filter(({ high }) => Number(high) > 0)
        .map(({ partition, high }) => ({ partition, offset: String(Number(high) - 10) }));
      await admin.deleteTopicRecords({ topic: rig.topic, partitions });
    });
  const rest = [...upTo(40), ...upTo(10).map((n) => n + 60)];

  it.each(['earliest', 'latest'] as const)(
    'goes on where the log begins when what was to come next is deleted, and says how much that was, in a group that began with the %s',
    async (autoOffsetReset) => {
      const seen: number[] = [];
      const first = await rig.consumer(seen, { autoOffsetReset });
      await rig.bus().publish(placed(40, 1));
      await eventually(
        () => seen.length,
        (count) => count === 40,
      );
      await first.shutdown();
      await rig.bus().publish(placed(30, 1, 40));
      await deleteRecords();
      const told: string[] = [];
      const logger = {
        debug() {},
        info() {},
        warn: (_: object, message: string) => void told.push(message),
        error() {},
      };
      const second = await rig.consumer(seen, { logger, autoOffsetReset });
      await eventually(
        () => seen.length,
        (count) => count === 50,
      );
      await eventually(
        () => lag(second),
        (now) => now === 0,
      );
      expect(distinct(seen)).toEqual(rest);
      expect(told.join('\n')).toMatch(/20/);
    },
  );

  it('goes on there, too, when it is deleted under way, whatever the group began with', async () => {
    const seen: number[] = [];
    const bus = await rig.consumer(seen, { autoOffsetReset: 'latest' });
    await rig.bus().publish(placed(40, 1));
    await eventually(
      () => seen.length,
      (count) => count === 40,
    );
    bus.pause();
    // A fetch may be on its way.
    await new Promise((resolve) => setTimeout(resolve, 300));
    await rig.bus().publish(placed(30, 1, 40));
    await deleteRecords();
    bus.resume();
    await eventually(
      () => seen.length,
      (count) => count === 50,
    );
    await eventually(
      () => lag(bus),
      (now) => now === 0,
    );
    expect(distinct(seen)).toEqual(rest);
  });

  it('gives records without a key, too, several at once', async () => {
    let running = 0;
    let most = 0;
    const seen: number[] = [];
    await rig.consumer(seen, {}, async () => {
      most = Math.max(most, ++running);
      await new Promise((resolve) => setTimeout(resolve, 5));
      running--;
    });
    await rig.producer((producer) =>
      producer.send({ topic: rig.topic, messages: asRecords(placed(50, 5), null) }),
    );
    await eventually(
      () => seen.length,
      (count) => count === 50,
    );
    expect(most).toBeGreaterThan(1);
  });

  it('makes a dead letter of a record that leaves no room for its reasons', async () => {
    const bus = await rig.consumer([], { maxRetries: 0 }, () => {
      throw new Error('x'.repeat(4_000));
    });
    const huge = Placed({ aggregateId: 'a', n: 1, metadata: { text: 'x'.repeat(1_047_500) } });
    await rig.bus().publish(huge);
    const [letter] = await eventually(
      () => bus.deadLetters.list(),
      ({ length }) => length === 1,
    );
    expect(letter).toMatchObject({ eventId: huge.eventId, reason: 'attempts-exhausted' });
    expect(letter?.body.length).toBeGreaterThan(1_047_500);
    await eventually(
      () => lag(bus),
      (now) => now === 0,
    );
  });
});
