import { protocolType } from './errors.ts';
import type { Cluster } from './kafka.ts';

const UNKNOWN = 'UNKNOWN_TOPIC_OR_PARTITION';
/** What a broker says of a topic that is there, while not all of it can be reached. */
const UNSETTLED = /^(LEADER_NOT_AVAILABLE|REPLICA_NOT_AVAILABLE|LISTENER_NOT_FOUND|BROKER_NOT_AVAILABLE)$/;

const FORBIDDEN = 'TOPIC_AUTHORIZATION_FAILED';
const TOLD_BY_MS = 500;

/**
 * One of `topics`, which were there, that isn't any more. A broker is told of new topics a moment after others: one that doesn't
 * know it is asked twice. One that we may not know of any more has answered, and the topic isn't gone for that.
 */
export async function goneTopic(cluster: Cluster, topics: readonly string[]): Promise<string | undefined> {
  const isForbiddenThere = true;
  const first = await missingTopics(cluster, topics, isForbiddenThere);
  if (first.length === 0) return undefined;
  await new Promise((resolve) => setTimeout(resolve, TOLD_BY_MS));
  return (await missingTopics(cluster, first, isForbiddenThere))[0];
}

/**
 * Those of `topics` that aren't there. kafkajs' own list of topics can't be had while a partition of any topic of the
 * cluster has no leader.
 */
export async function missingTopics(
  cluster: Cluster,
  topics: readonly string[],
  isForbiddenThere = false,
): Promise<string[]> {
  const answers = await Promise.all(topics.map((topic) => isThere(cluster, topic, isForbiddenThere)));
  return topics.filter((_, at) => answers[at] === false);
}

async function isThere(cluster: Cluster, topic: string, isForbiddenThere: boolean): Promise<boolean> {
  try {
    // Asked once: a connection that was lost ends its client, or what it had in doubt would be overtaken.
    const broker = await cluster.brokerPool.findConnectedBroker();
    await broker.metadata([topic]);
    return true;
  } catch (error) {
    const type = protocolType(error);
    if (type === UNKNOWN) return false;
    if (type !== undefined && UNSETTLED.test(type)) return true;
    if (type === FORBIDDEN && isForbiddenThere) return true;
    throw error;
  }
}
