import { randomUUID } from 'node:crypto';
import { Kafka, logLevel, type Message as KafkaRecord } from 'kafkajs';
import { afterEach, beforeEach, describe, expect, inject, it } from 'vitest';
import { distinct, eventually, Placed, placed, Rig, upTo } from './rig.ts';

const servers = inject('kafkaServers');

describe.skipIf(servers === undefined)('a log with gaps, on Kafka', () => {
  let rig: Rig;
  beforeEach(() => (rig = new Rig(servers!)));
  afterEach(() => rig.close());

  /** As another program would write them. */
  const records = (count: number, key: string | null, from = 0): KafkaRecord[] =>
    placed(count, 5, from).map((event) => ({
      key,
      value: JSON.stringify({
        event_id: event.eventId,
        event_type: Placed.type,
        event_version: 1,
        occurred_at: event.occurredAt,
        aggregate_id: event.aggregateId,
        aggregate_type: Placed.aggregateType,
        aggregate_version: 1,
        tenant_id: null,
        actor_id: null,
        correlation_id: event.correlationId,
        causation_id: null,
        metadata: {},
        n: event.n,
      }),
      headers: { event_id: event.eventId, event_type: Placed.type },
    }));

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
        await transaction.send({ topic: rig.topic, messages: records(10, 'same', from) });
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
  });

  it('goes on where the log begins when what was to come next is deleted, and says how much that was', async () => {
    const seen: number[] = [];
    const first = await rig.consumer(seen);
    await rig.bus().publish(placed(40, 1));
    await eventually(
      () => seen.length,
      (count) => count === 40,
    );
    await first.shutdown();
    await rig.bus().publish(placed(30, 1, 40));
    await rig.admin(async (admin) => {
      const ranges = await admin.fetchTopicOffsets(rig.topic);
      const partitions = ranges
        .filter(({ high }) => Number(high) > 0)
        .map(({ partition, high }) => ({ partition, offset: String(Number(high) - 10) }));
      await admin.deleteTopicRecords({ topic: rig.topic, partitions });
    });
    const told: string[] = [];
    const logger = {
      debug() {},
      info() {},
      warn: (_: object, message: string) => void told.push(message),
      error() {},
    };
    const second = await rig.consumer(seen, { logger });
    await eventually(
      () => seen.length,
      (count) => count === 50,
    );
    await eventually(
      () => lag(second),
      (now) => now === 0,
    );
    expect(distinct(seen)).toEqual([...upTo(40), ...upTo(10).map((n) => n + 60)]);
    expect(told.join('\n')).toMatch(/20/);
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
    await rig.producer((producer) => producer.send({ topic: rig.topic, messages: records(50, null) }));
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
