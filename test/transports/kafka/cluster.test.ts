import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, inject, it } from 'vitest';
import { PublishError } from '../../../src/index.ts';
import { type KafkaCluster, startKafkaCluster } from '../../../brokers/kafka-cluster.ts';
import { distinct, eventually, placed, Rig, upTo } from './rig.ts';
import { createTopics } from '../../support/kafka-topics.ts';

const program = inject('kafkaProgram');
const KEYS = 30;
const LIST = 300;

describe.skipIf(program === undefined)('several brokers of Kafka', { timeout: 90_000 }, () => {
  let cluster: KafkaCluster;
  let rig: Rig;
  beforeAll(async () => {
    cluster = await startKafkaCluster(program!);
  }, 60_000);
  beforeEach(() => (rig = new Rig(cluster.url)));
  afterEach(() => rig.close());
  afterAll(() => cluster.stop());

  /** A node that comes back has to catch up: until then another's end would take the only whole copy. */
  const haveAllCopies = () =>
    eventually(
      () =>
        rig.admin(async (admin) => {
          const topics = [rig.topic, `${rig.topic}.dlq`, `${rig.topic}.g.replay`, '__consumer_offsets'];
          const metadata = await admin.fetchTopicMetadata({ topics });
          return metadata.topics.flatMap(({ partitions }) => partitions);
        }),
      (partitions) => partitions.every(({ isr, replicas }) => isr.length === replicas.length),
    );

  it('lose nothing while one after the other is killed, whatever each of them led', async () => {
    const seen: number[] = [];
    const options = { createTopics: { partitions: 6, replicationFactor: 2 } };
    const publisher = rig.bus({ ...options, publishTimeoutMs: 60_000 });
    await publisher.publish(placed(LIST, KEYS));
    await rig.consumer(seen, options);
    await rig.consumer(seen, options);
    const { topics } = await rig.admin((admin) => admin.fetchTopicMetadata({ topics: [rig.topic] }));
    const { partitions } = topics[0]!;
    expect(partitions.map(({ replicas }) => replicas.length)).toEqual(upTo(6).map(() => 2));
    expect(distinct(partitions.map(({ leader }) => leader))).toEqual([1, 2, 3]);
    await haveAllCopies();
    // Of somebody else: without a copy, a part of it is gone with each node.
    await rig.admin((admin) =>
      createTopics(admin, [{ topic: `${rig.prefix}.other`, numPartitions: 3, replicationFactor: 1 }]),
    );
    let count = LIST;
    for (const node of cluster.nodes) {
      const published = publisher.publish(placed(LIST, KEYS, count));
      await node.kill();
      await published;
      // One that comes just now.
      await rig.bus(options).publish(placed(LIST, KEYS, count + LIST));
      count += 2 * LIST;
      await eventually(
        () => distinct(seen).length,
        (handled) => handled === count,
        20_000,
      );
      await node.start();
      await haveAllCopies();
    }
    const firsts = [...new Set(seen)];
    for (let key = 0; key < KEYS; key++) {
      const own = firsts.filter((n) => n % KEYS === key);
      expect(own).toEqual(own.toSorted((a, b) => a - b));
    }
  });

  it('refuse what too few of them could keep, and have it once they are enough again', async () => {
    await rig.admin((admin) =>
      createTopics(admin, [
        {
          topic: rig.topic,
          numPartitions: 3,
          replicationFactor: 3,
          configEntries: [{ name: 'min.insync.replicas', value: '3' }],
        },
      ]),
    );
    const options = { createTopics: { replicationFactor: 3 } };
    const publisher = rig.bus({ ...options, publishTimeoutMs: 60_000 });
    const impatient = rig.bus({ ...options, publishTimeoutMs: 1_000 });
    const seen: number[] = [];
    await rig.consumer(seen, options);
    await Promise.all([publisher.publish(placed(KEYS, KEYS)), impatient.connect()]);
    await haveAllCopies();
    const node = cluster.nodes[2]!;
    await node.kill();
    const refusal = () => impatient.publish(placed(1, 1, 10_000)).catch((error: unknown) => error);
    // A try that is without an answer when its second is over leaves it in doubt.
    const isCertain = (error: unknown) =>
      error instanceof PublishError && error.unknown.length === 0 && error.unsent.length === 1;
    // It is in the list of the whole copies for as long as nobody has missed it: what is sent meanwhile is in doubt.
    await eventually(refusal, isCertain, 30_000);
    let isStored = false;
    const published = publisher.publish(placed(LIST, KEYS, KEYS)).then(() => (isStored = true));
    published.catch(() => undefined);
    // As many tries as a second holds.
    await eventually(refusal, isCertain, 30_000);
    expect(isStored).toBe(false);
    await node.start();
    await published;
    const wanted = KEYS + LIST;
    const own = () => seen.filter((n) => n < wanted);
    await eventually(
      () => distinct(own()).length,
      (count) => count === wanted,
      20_000,
    );
    expect(own()).toHaveLength(wanted);
  });

  it('have all of them keep a dead letter before its event is settled, whatever acks publishes have', async () => {
    await rig.admin((admin) =>
      createTopics(admin, [
        {
          topic: `${rig.topic}.dlq`,
          numPartitions: 3,
          replicationFactor: 3,
          configEntries: [{ name: 'min.insync.replicas', value: '3' }],
        },
      ]),
    );
    const seen: number[] = [];
    const options = { createTopics: { replicationFactor: 3 }, acks: 'leader', maxRetries: 0 } as const;
    const bus = await rig.consumer(seen, options, (n) => {
      if (n === 0) throw new Error('poison');
    });
    const publisher = rig.bus({ ...options, publishTimeoutMs: 60_000 });
    await publisher.publish(placed(KEYS, KEYS, 1));
    await haveAllCopies();
    const node = cluster.nodes[2]!;
    await node.kill();
    await publisher.publish(placed(KEYS, KEYS));
    await eventually(
      async () => (await bus.healthCheck()).reasons.join(),
      (reasons) => /a dead letter cannot be stored.*in-sync replicas/i.test(reasons),
      30_000,
    );
    await node.start();
    await eventually(
      () => bus.deadLetters.count(),
      (count) => count === 1,
      30_000,
    );
    await haveAllCopies();
  });
});
