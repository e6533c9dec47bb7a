import { type KafkaProgram, kafkaPlan } from './kafka-server.ts';
import type { KafkaPorts } from './kafka-properties.ts';
import { freePort } from './ports.ts';
import { type PrivateServer, startPrivately, temporaryFolder } from './private-server.ts';

/** Kafka brokers that hold each other's copies, each its own process, and a controller beside. */
export interface KafkaCluster {
  /** Bootstrap servers: all nodes. */
  readonly url: string;
  /** Their numbers for Kafka are 1 and up, in this order. */
  readonly nodes: readonly PrivateServer[];
  /** Ends all of them and removes their data. Idempotent. */
  stop(): Promise<void>;
}

/** A lost node is noticed soon, and what it led is led by another then. */
const soonNoticed = { 'broker.session.timeout.ms': '1500', 'broker.heartbeat.interval.ms': '300' };

/**
 * Starts a cluster on free ports of the loopback interface; resolves once every node answers, in some 6 seconds. Of three
 * nodes one may be gone at a time.
 * @throws {Error} with the last words of a node that didn't start; nothing is left then.
 */
export async function startKafkaCluster(program: KafkaProgram, count = 3): Promise<KafkaCluster> {
  const ports: KafkaPorts[] = [];
  for (let node = 0; node < count; node++)
    ports.push({ plain: await freePort(), controller: await freePort(), others: {} });
  const voters = ports.map(({ controller }, at) => `${at + 1}@127.0.0.1:${controller}`).join(',');
  const start = async (own: KafkaPorts, at: number) => {
    const properties = {
      ...soonNoticed,
      'node.id': String(at + 1),
      'controller.quorum.voters': voters,
      'offsets.topic.replication.factor': String(count),
    };
    return startPrivately(kafkaPlan(program, await temporaryFolder('kafka'), own, { properties }), own.plain);
  };
  // All at once: none is ready before most are there.
  const starts = await Promise.allSettled(ports.map(start));
  const nodes = starts.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
  const stop = async () => {
    await Promise.all(nodes.map((node) => node.stop()));
  };
  const failed = starts.find((one) => one.status === 'rejected');
  if (failed !== undefined) {
    await stop();
    throw failed.reason;
  }
  return { url: nodes.map(({ url }) => url).join(','), nodes, stop };
}
