import type { KafkaClient, TopicPartition } from './driver.ts';
import { deadLetterTopicOf, replayTopicOf } from './names.ts';

/** Kafka's own numbers of a bus's topic, and of its group there. */
export interface KafkaTopicInfo {
  readonly topic: string;
  readonly deadLetterTopic: string;
  /** Records that are there. */
  readonly length: number;
  /** Members of the group; 0 without a group. */
  readonly members: number;
  /** Records behind what the group has committed, replays included. */
  readonly lag: number;
  /** Handed out to this bus and not settled. */
  readonly unsettledHere: number;
  /** Of the group; of all groups without one. */
  readonly deadLetters: number;
  readonly partitions: readonly KafkaPartitionInfo[];
}

export interface KafkaPartitionInfo {
  readonly topic: string;
  readonly partition: number;
  /** Offset of the oldest record that is still there. */
  readonly low: number;
  /** Offset of the next record to be written. */
  readonly high: number;
  /** What the group has committed: the next it handles; undefined before its first commit, and without a group. */
  readonly committed: number | undefined;
  readonly lag: number;
}

interface Parts {
  readonly client: KafkaClient;
  readonly topic: string;
  readonly deadLetters: { depth(group: string): Promise<number> };
}

export async function topicInfo(
  { client, topic, deadLetters }: Parts,
  group: string | undefined,
  unsettledHere: number,
): Promise<KafkaTopicInfo> {
  const wanted = group === undefined ? [topic] : [topic, replayTopicOf(topic, group)];
  const missing = new Set(await client.missing(wanted));
  const topics = wanted.filter((name) => !missing.has(name));
  const partitions = await standings(client, group, topics);
  const events = partitions.filter((one) => one.topic === topic);
  return {
    topic,
    deadLetterTopic: deadLetterTopicOf(topic),
    length: events.reduce((sum, { low, high }) => sum + high - low, 0),
    members: group === undefined ? 0 : await client.memberCount(group),
    lag: partitions.reduce((sum, { lag }) => sum + lag, 0),
    unsettledHere,
    deadLetters: await deadLetters.depth(group ?? '*'),
    partitions,
  };
}

/**
 * Records of these partitions that the group has not committed: what one member lags behind, where the others have partitions,
 * and a lag, of their own.
 */
export async function lagOf(
  client: KafkaClient,
  group: string,
  places: readonly TopicPartition[],
): Promise<number> {
  return (await standingsOf(client, group, places)).reduce((sum, { lag }) => sum + lag, 0);
}

/** How far the group is in these partitions; asks the broker nothing where there are none. */
export async function standingsOf(
  client: KafkaClient,
  group: string | undefined,
  places: readonly TopicPartition[],
): Promise<readonly KafkaPartitionInfo[]> {
  const topics = [...new Set(places.map(({ topic }) => topic))];
  return (await standings(client, group, topics)).filter((one) =>
    places.some(({ topic, partition }) => topic === one.topic && partition === one.partition),
  );
}

async function standings(
  client: KafkaClient,
  group: string | undefined,
  topics: readonly string[],
): Promise<KafkaPartitionInfo[]> {
  const commits = group === undefined || topics.length === 0 ? [] : await client.committed(group, topics);
  const partitions: KafkaPartitionInfo[] = [];
  for (const topic of topics)
    for (const { partition, low, high } of await client.ranges(topic)) {
      const offset = commits.find((one) => one.topic === topic && one.partition === partition)?.offset ?? -1;
      const committed = offset < 0 ? undefined : offset;
      const lag = high - Math.max(low, committed ?? low);
      partitions.push({ topic, partition, low, high, committed, lag });
    }
  return partitions;
}
