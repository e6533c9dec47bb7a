import type { TransportNotice } from '../../contracts/transport-notice.ts';
import type { TopicPartition } from './driver.ts';

export const rebalanced = (partitions: number, topic: string): TransportNotice => ({
  kind: 'rebalanced',
  count: 1,
  detail: `Has ${partitions} partition(s) of ${topic} now`,
  isRepeated: true,
});

/** The log isn't the one it was: the topic was emptied or made anew. */
export const begunAgain = ({ topic, partition }: TopicPartition): TransportNotice => ({
  kind: 'group-recreated',
  count: 1,
  detail: `${topic}, partition ${partition}, begins again`,
});

/** Retention, or somebody, has deleted what was to come next. */
export const trimmed = ({ topic, partition }: TopicPartition, count: number): TransportNotice => ({
  kind: 'trimmed',
  count,
  detail: `${topic}, partition ${partition}, has lost ${count} records before the group had handled them`,
});

/** How far everything is done is stored, for so many partitions. */
export const committed = (partitions: number): TransportNotice => ({
  kind: 'committed',
  count: 1,
  detail: `Committed ${partitions} partition(s)`,
  isRepeated: true,
});

/** A member was dealt partitions of topics that it doesn't read, and that nobody reads for it. */
export const foreign = (topics: readonly string[], own: string, group: string): TransportNotice => ({
  kind: 'foreign-topics',
  count: 1,
  detail: `Group ${group} is shared with a service that reads ${topics.join(', ')}, while this one reads ${own}: each misses events. Give each its own consumerGroup`,
});
