import { setTimeout as pause } from 'node:timers/promises';
import type { Admin, ITopicConfig } from 'kafkajs';

const TRIES = 200;

/**
 * Makes topics, and waits until the leader of each partition serves it: a producer of kafkajs that meets one that doesn't
 * yet sends the others again, too, and stores them twice. kafkajs' own waiting gives up on a broker that hasn't heard of
 * the topic yet, which it calls not hosting it.
 * @throws {Error} when that takes longer than ten seconds.
 */
export async function createTopics(admin: Admin, topics: ITopicConfig[]): Promise<void> {
  await admin.createTopics({ topics, waitForLeaders: false });
  const names = topics.map(({ topic }) => topic);
  for (let tries = 0; tries < TRIES; tries++) {
    const found = await admin.fetchTopicMetadata({ topics: names }).catch(() => ({ topics: [] }));
    const partitions = found.topics.flatMap((topic) => topic.partitions);
    const stand = found.topics.length === names.length && partitions.every(({ leader }) => leader >= 0);
    if (stand && (await serves(admin, names))) return;
    await pause(50);
  }
  throw new Error(`No leaders for ${names.join(', ')} within ten seconds.`);
}

/** Only a leader that serves a partition knows its offsets. */
async function serves(admin: Admin, topics: readonly string[]): Promise<boolean> {
  try {
    await Promise.all(topics.map((topic) => admin.fetchTopicOffsets(topic)));
    return true;
  } catch {
    return false;
  }
}
