import { randomUUID } from 'node:crypto';
import { type Admin, Kafka, logLevel, type Producer } from 'kafkajs';
import type { TransportHarness } from '../../src/testing/index.ts';
import { KafkaEventBus } from '../../src/transports/kafka/index.ts';
import { Ways } from './ways.ts';
import { startWorker } from './worker.ts';

/** As many as the suite has consumers of one group at once. */
const PARTITIONS = 4;

/**
 * A Kafka as the conformance suite sees it: each destination is a topic prefix of its own, reached through a proxy of
 * its own, to which the address that the broker tells is mapped.
 */
export function kafkaHarness(servers: string): TransportHarness {
  const [host = '', port = ''] = servers.split(',')[0]?.split(':') ?? [];
  const ways = new Ways({ host, port: Number(port) });
  const buses = new Map<string, KafkaEventBus[]>();
  let admin: Admin;
  let producer: Producer;

  return {
    abilities: {
      durable: true,
      crossProcess: true,
      deliveryCount: false,
      keyOrder: 'group',
      replayFromStart: true,
      leased: false,
      allGroups: true,
      atomicDeadLetters: false,
      delayedRetry: false,
      consumesByItself: false,
    },
    window: 1000,
    windows: PARTITIONS,
    async start() {
      const kafka = new Kafka({
        brokers: servers.split(','),
        logLevel: logLevel.NOTHING,
        retry: { retries: 2 },
      });
      admin = kafka.admin();
      producer = kafka.producer();
      await Promise.all([admin.connect(), producer.connect()]);
    },
    async stop() {
      await Promise.all([admin.disconnect(), producer.disconnect()]);
    },
    destination(testId) {
      // Groups are the cluster's, not a topic's: of two tests at once that share one, each would be dealt the other's topic.
      const own = `${testId}-${randomUUID()}`;
      return { name: `conformance-${own}`, group: `workers-${own}` };
    },
    makeBus(destination, options) {
      const { name } = destination;
      const proxy = ways.proxyOf(destination);
      const bus = new KafkaEventBus({
        bootstrapServers: proxy === undefined ? servers : `${proxy.host}:${proxy.port}`,
        ...(proxy === undefined ? {} : { mapAddress: () => ({ host: proxy.host, port: proxy.port }) }),
        topicPrefix: name,
        createTopics: { partitions: PARTITIONS, replicationFactor: 1 },
        ...options,
      });
      buses.set(name, [...(buses.get(name) ?? []), bus]);
      return bus;
    },
    async putRaw({ name }, { id, type, key, headers, body }) {
      await producer.send({
        topic: `${name}.stream`,
        messages: [
          {
            key,
            value: Buffer.from(body),
            headers: { ...headers, event_id: id, event_type: type, aggregate_id: key },
          },
        ],
      });
    },
    async cleanUp(destination) {
      const { name } = destination;
      await ways.close(destination);
      const topics = (await admin.listTopics()).filter((topic) => topic.startsWith(`${name}.`));
      if (topics.length > 0) await admin.deleteTopics({ topics });
      buses.delete(name);
    },
    consumeElsewhere: (destination, group, name) =>
      startWorker({
        place: { broker: 'kafka', url: servers, destination: destination.name },
        consumerGroup: group,
        consumerName: name,
      }),
    faults: ways,
    probe: {
      async pending(destination) {
        const held = (buses.get(destination.name) ?? []).map(async (bus) => {
          const info = await bus.getTopicInfo().catch(() => undefined);
          return info?.unsettledHere ?? 0;
        });
        return (await Promise.all(held)).reduce((sum, count) => sum + count, 0);
      },
      async dlqDepth(destination, group) {
        const bus = new KafkaEventBus({ bootstrapServers: servers, topicPrefix: destination.name });
        try {
          await bus.connect();
          return await bus.deadLetters.count({ group });
        } finally {
          await bus.shutdown();
        }
      },
    },
  };
}
