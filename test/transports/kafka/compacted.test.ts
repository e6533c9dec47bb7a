import { randomUUID } from 'node:crypto';
import { Kafka, logLevel } from 'kafkajs';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, inject, it } from 'vitest';
import { type KafkaServer, startKafkaServer } from '../../../brokers/kafka-server.ts';
import { createTopics } from '../../support/kafka-topics.ts';
import { distinct, eventually, placed, Rig } from './rig.ts';

const program = inject('kafkaProgram');
const KEYS = 5;
const EVENTS = 50;

describe.skipIf(program === undefined)('a topic of Kafka that is compacted', { timeout: 90_000 }, () => {
  let server: KafkaServer;
  let rig: Rig;
  beforeAll(async () => {
    server = await startKafkaServer(program!, { properties: { 'log.cleaner.backoff.ms': '100' } });
  }, 60_000);
  beforeEach(() => (rig = new Rig(server.url)));
  afterEach(() => rig.close());
  afterAll(() => server.stop());

  /** What is left, as a plain client reads it. */
  async function offsets(): Promise<number[]> {
    const [{ high, low } = { high: '0', low: '0' }] = await rig.admin((admin) =>
      admin.fetchTopicOffsets(rig.topic),
    );
    const groupId = `plain-${randomUUID()}`;
    const consumer = new Kafka({ brokers: [server.url], logLevel: logLevel.NOTHING }).consumer({ groupId });
    const found: number[] = [];
    await consumer.connect();
    try {
      await consumer.subscribe({ topic: rig.topic, fromBeginning: true });
      await new Promise<void>((resolve, reject) => {
        const eachMessage = async ({ message }: { message: { offset: string } }) => {
          found.push(Number(message.offset));
          if (Number(message.offset) === Number(high) - 1) resolve();
        };
        consumer.run({ eachMessage }).catch(reject);
      });
    } finally {
      await consumer.disconnect();
    }
    return found.filter((offset) => offset >= Number(low));
  }

  it('is consumed over its gaps, in order, and nothing of it is left as lag', async () => {
    const configEntries = [
      { name: 'cleanup.policy', value: 'compact' },
      { name: 'segment.ms', value: '100' },
      { name: 'min.cleanable.dirty.ratio', value: '0.01' },
    ];
    await rig.admin((admin) => createTopics(admin, [{ topic: rig.topic, numPartitions: 1, configEntries }]));
    const publisher = rig.bus();
    await publisher.publish(placed(EVENTS, KEYS));
    // What is written to last is never compacted; each of these begins a segment when it comes 100 ms after the last one.
    let count = EVENTS;
    const left = await eventually(
      async () => {
        await publisher.publish(placed(1, KEYS, count++));
        return offsets();
      },
      ({ length }) => length < EVENTS / 2,
      60_000,
    );
    const seen: number[] = [];
    const bus = await rig.consumer(seen);
    await eventually(
      () => seen.at(-1),
      (n) => n === count - 1,
    );
    expect(seen).toEqual(distinct(seen));
    expect(seen.length).toBeLessThanOrEqual(left.length);
    const { partitions } = await eventually(
      () => bus.getTopicInfo(),
      ({ lag }) => lag === 0,
    );
    const [own] = partitions.filter(({ topic }) => topic === rig.topic);
    expect(own).toMatchObject({ committed: count, high: count, lag: 0 });
  });
});
