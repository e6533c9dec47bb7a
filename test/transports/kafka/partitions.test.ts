import { afterEach, beforeEach, describe, expect, inject, it } from 'vitest';
import type { KafkaEventBusOptions } from '../../../src/transports/kafka/index.ts';
import { asRecords, distinct, eventually, placed, Rig, upTo } from './rig.ts';

const servers = inject('kafkaServers');
const two: KafkaEventBusOptions = { createTopics: { partitions: 2, replicationFactor: 1 } };

describe.skipIf(servers === undefined)('partitions that are added, on Kafka', () => {
  let rig: Rig;
  beforeEach(() => (rig = new Rig(servers!)));
  afterEach(() => rig.close());

  async function addPartitions(count: number): Promise<void> {
    await rig.admin((admin) => admin.createPartitions({ topicPartitions: [{ topic: rig.topic, count }] }));
  }

  /** Once the broker has made it: its leader takes a moment. */
  async function writeTo(partition: number, from: number): Promise<void> {
    const messages = asRecords(placed(10, 10, from)).map((record) => ({ ...record, partition }));
    await rig.producer((producer) =>
      eventually(
        () =>
          producer.send({ topic: rig.topic, messages }).then(
            () => true,
            () => false,
          ),
        Boolean,
      ),
    );
  }

  it('are consumed from their first record on without a restart, by a group that began with the latest, too', async () => {
    await rig.bus(two).publish(placed(10, 10));
    const [all, late]: [number[], number[]] = [[], []];
    const buses = [
      await rig.consumer(all, two),
      await rig.consumer(late, { ...two, consumerGroup: 'late', autoOffsetReset: 'latest' }),
    ];
    await addPartitions(4);
    // Before the groups can know of them.
    await writeTo(2, 100);
    await writeTo(3, 200);
    const added = [...upTo(10).map((n) => n + 100), ...upTo(10).map((n) => n + 200)];
    await eventually(
      () => all.length + late.length,
      (count) => count >= 50,
    );
    for (const bus of buses) {
      const info = await eventually(
        () => bus.getTopicInfo(),
        ({ lag }) => lag === 0,
      );
      expect(info.partitions.filter(({ topic }) => topic === rig.topic)).toHaveLength(4);
      expect(bus.getStats()).toMatchObject({ reconnections: 0, deadLettered: 0 });
    }
    expect(all.toSorted((a, b) => a - b)).toEqual([...upTo(10), ...added]);
    expect(late.toSorted((a, b) => a - b)).toEqual(added);
  });

  it('leave a group that has only begun with what comes, and settled nothing, where it was', async () => {
    const seen: number[] = [];
    await rig.bus(two).publish(placed(10, 10));
    const first = await rig.consumer(seen, { ...two, autoOffsetReset: 'latest' });
    await first.shutdown();
    await rig.bus(two).publish(placed(10, 10, 10));
    await rig.consumer(seen, { ...two, autoOffsetReset: 'latest' });
    await eventually(
      () => seen.length,
      (count) => count === 10,
    );
    expect(distinct(seen)).toEqual(upTo(20).slice(10));
  });
});
