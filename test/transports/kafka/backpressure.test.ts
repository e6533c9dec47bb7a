import { afterEach, beforeEach, describe, expect, inject, it } from 'vitest';
import { asRecords, distinct, eventually, placed, Rig } from './rig.ts';
import { createTopics } from '../../support/kafka-topics.ts';

const servers = inject('kafkaServers');
/** Of each partition so many may be in hand. */
const WINDOW = 1000;
/** So many done behind one that isn't fit into the metadata of a commit. */
const SPAN = 16_000;

describe.skipIf(servers === undefined)('more than can be handled, on Kafka', () => {
  let rig: Rig;
  beforeEach(() => (rig = new Rig(servers!)));
  afterEach(() => rig.close());

  /** Each of a key of its own. */
  async function write(partition: number, count: number, from: number): Promise<void> {
    await rig.producer(async (producer) => {
      for (let at = 0; at < count; at += WINDOW) {
        const records = asRecords(placed(Math.min(WINDOW, count - at), 1, from + at));
        const messages = records.map((record, i) => ({ ...record, partition, key: `${from + at + i}` }));
        await producer.send({ topic: rig.topic, messages });
      }
    });
  }

  const members = async () => {
    const { groups } = await rig.admin((admin) => admin.describeGroups(['g']));
    return groups[0]!.members.map(({ memberId }) => memberId);
  };

  const makeTopic = (numPartitions: number) =>
    rig.admin((admin) => createTopics(admin, [{ topic: rig.topic, numPartitions }]));

  it('waits at the broker but for one window, and its member stays', async () => {
    await makeTopic(1);
    await write(0, 10_000, 0);
    const seen: number[] = [];
    const bus = await rig.consumer(
      seen,
      { concurrency: 256 },
      () => new Promise((resolve) => setTimeout(resolve, 20)),
    );
    const before = await members();
    let most = 0;
    await eventually(
      async () => {
        most = Math.max(most, (await bus.getTopicInfo()).unsettledHere);
        return seen.length;
      },
      (count) => count === 10_000,
    );
    expect(most).toBeLessThanOrEqual(WINDOW);
    expect(most).toBeGreaterThan(WINDOW / 2);
    expect(distinct(seen)).toHaveLength(10_000);
    expect(await members()).toEqual(before);
    expect(bus.getStats()).toMatchObject({ reconnections: 0, abandoned: 0 });
  });

  it('is read on behind one that holds on as far as a commit can tell of it, and further in other partitions', async () => {
    await makeTopic(2);
    await write(0, SPAN + 4000, 0);
    await write(1, SPAN + 4000, 100_000);
    let release: () => void = () => undefined;
    const released = new Promise<void>((resolve) => (release = resolve));
    const seen: number[] = [];
    const bus = await rig.consumer(seen, {}, (n) => (n === 0 ? released : undefined));
    await eventually(
      () => seen.filter((n) => n >= 100_000).length,
      (count) => count === SPAN + 4000,
    );
    await eventually(
      () => seen.filter((n) => n < 100_000).length,
      (count) => count === SPAN - 1,
    );
    await new Promise((resolve) => setTimeout(resolve, 700));
    expect(seen).toHaveLength(SPAN + 4000 + SPAN - 1);
    const { partitions } = await bus.getTopicInfo();
    const own = partitions.filter(({ topic }) => topic === rig.topic);
    expect(own.map(({ committed = 0 }) => committed)).toEqual([0, SPAN + 4000]);
    release();
    await eventually(
      async () => (await bus.getTopicInfo()).lag,
      (lag) => lag === 0,
    );
    expect(seen).toHaveLength(2 * (SPAN + 4000));
  });

  it('in one partition does not keep another from its turn', async () => {
    await makeTopic(2);
    await write(0, 10_000, 0);
    await write(1, 500, 100_000);
    const seen: number[] = [];
    await rig.consumer(seen, {}, () => new Promise((resolve) => setTimeout(resolve, 1)));
    await eventually(
      () => seen.filter((n) => n >= 100_000).length,
      (count) => count === 500,
    );
    // What was in hand before it came goes first.
    expect(seen.length).toBeLessThan(500 + 2 * WINDOW);
  });
});
