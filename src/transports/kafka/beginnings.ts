import type { KafkaClient, PartitionRange, TopicPartition } from './driver.ts';
import { decodeFinished } from './finished.ts';
import type { KafkaSettings } from './options.ts';
import type { Beginning } from './source-host.ts';

export interface BeginningsParts {
  readonly client: KafkaClient;
  readonly settings: Pick<KafkaSettings, 'autoOffsetReset'>;
  /** That of the events. */
  readonly topic: string;
  /** By group, how many partitions the topic had when a member of it first began here; outlives connections. */
  readonly firstPartitions: Map<string, number>;
}

/** What kafkajs commits where it met, under way, that what comes next is gone. */
const FROM_THE_OLDEST = -2;

/** Finds out where a group begins in the partitions that it is given. */
export class Beginnings {
  readonly #parts: BeginningsParts;

  constructor(parts: BeginningsParts) {
    this.#parts = parts;
  }

  async of(group: string, places: readonly TopicPartition[]): Promise<readonly Beginning[]> {
    if (places.length === 0) return [];
    const { client, topic, firstPartitions } = this.#parts;
    const topics = [...new Set(places.map((place) => place.topic))];
    const committed = await client.committed(group, topics);
    const ranges = new Map<string, readonly PartitionRange[]>();
    for (const name of topics) ranges.set(name, await client.ranges(name));
    const count = ranges.get(topic)?.length;
    if (count !== undefined && !firstPartitions.has(group)) firstPartitions.set(group, count);
    return places.map((place) => {
      const found = committed.find((one) => one.topic === place.topic && one.partition === place.partition);
      const { offset = -1, metadata = '' } = found ?? {};
      const range = ranges.get(place.topic)?.find(({ partition }) => partition === place.partition);
      const { low, high } = range ?? { low: 0, high: 0 };
      if (offset === FROM_THE_OLDEST) return { place, committed: low, finished: [], begin: low };
      if (offset < 0) return this.#first(group, place, low, high);
      // Asked for what is gone, the driver would begin where `autoOffsetReset` says, and skip all that is there.
      if (offset < low) return { place, committed: low, finished: [], begin: low, trimmed: low - offset };
      return { place, committed: offset, finished: decodeFinished(offset, metadata) };
    });
  }

  #first(group: string, place: TopicPartition, low: number, high: number): Beginning {
    const { settings, topic, firstPartitions } = this.#parts;
    if (settings.autoOffsetReset === 'earliest' || place.topic !== topic)
      return { place, committed: -1, finished: [] };
    // What is in a partition that was added since came after the group had begun.
    const isYounger = place.partition >= (firstPartitions.get(group) ?? Infinity);
    const begin = isYounger ? low : high;
    return { place, committed: begin, finished: [], begin };
  }
}
