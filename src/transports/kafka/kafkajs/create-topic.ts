import type { Admin, IResourceConfigEntry } from 'kafkajs';
import type { TopicPlan } from '../driver.ts';
import { protocolType } from './errors.ts';

const LIMIT = 'max.message.bytes';
/** Kafka's number of the kind of resource that a topic is. */
const TOPIC = 2;

/** Another member was first; or it is made, and the broker that was asked for its leaders hasn't heard of it yet. */
const DONE = new Set<string | undefined>(['TOPIC_ALREADY_EXISTS', 'UNKNOWN_TOPIC_OR_PARTITION']);

/** Makes a topic, with the broker's own numbers where the plan has none; does nothing to one that is there. */
export async function createTopic(
  admin: Admin,
  topic: string,
  { partitions = -1, replicationFactor = -1, roomFor }: TopicPlan,
): Promise<void> {
  try {
    const configEntries = await roomierThan(admin, roomFor);
    await admin.createTopics({
      waitForLeaders: true,
      topics: [{ topic, numPartitions: partitions, replicationFactor, configEntries }],
    });
  } catch (error) {
    if (!DONE.has(protocolType(error))) throw error;
  }
}

/** How a topic is to be set up that takes what `original` takes and more; as the broker does it where it doesn't tell. */
async function roomierThan(admin: Admin, roomFor: TopicPlan['roomFor']): Promise<IResourceConfigEntry[]> {
  if (roomFor === undefined) return [];
  try {
    const { resources } = await admin.describeConfigs({
      includeSynonyms: false,
      resources: [{ type: TOPIC, name: roomFor.original, configNames: [LIMIT] }],
    });
    const most = Number(resources[0]?.configEntries[0]?.configValue);
    return Number.isInteger(most) ? [{ name: LIMIT, value: String(most + roomFor.bytes) }] : [];
  } catch {
    // It is a right of its own, which we may not have.
    return [];
  }
}
