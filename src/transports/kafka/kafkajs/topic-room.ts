import type { Admin, IResourceConfigEntry } from 'kafkajs';
import type { TopicPlan } from '../driver.ts';

const LIMIT = 'max.message.bytes';
/** Kafka's number of the kind of resource that a topic is. */
const TOPIC = 2;

/** How a topic is to be set up that takes what `original` takes and more; as the broker does it where it doesn't tell. */
export async function roomierThan(
  admin: Admin,
  roomFor: TopicPlan['roomFor'],
): Promise<IResourceConfigEntry[]> {
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
