import { setTimeout as pause } from 'node:timers/promises';
import { KafkaEventBus } from 'buschart/kafka';
import { Kafka, logLevel, type Consumer, type Producer } from 'kafkajs';
import { busCourier, type Courier, type Route } from './courier.ts';
import { bodyOf, headersOf, timeOf, type Order } from './orders.ts';
import type { Place } from './protocol.ts';

const PARTITIONS = 3;
const TRY_AGAIN_MS = 200;
const MOST_TRIES = 150;

/** A topic, with a group of its own, because a group outlives its topics. */
export interface KafkaRoute extends Route {
  topic(): string;
  group(): string;
}

const open = (url: string) => new Kafka({ brokers: [url], logLevel: logLevel.ERROR });

export async function kafkaRoute(url: string): Promise<KafkaRoute> {
  const admin = open(url).admin();
  await admin.connect();
  let name = '';
  const topic = () => `${name}.stream`;
  const group = () => `${name}.bench`;
  return {
    topic,
    group,
    async open(route) {
      name = route;
      const topics = [{ topic: topic(), numPartitions: PARTITIONS }];
      await insist(() => admin.createTopics({ topics, waitForLeaders: true }));
      // Under load a broker is told of its new partitions, and of the group, a while after the topic is there.
      await insist(() => admin.fetchTopicOffsets(topic()));
      await insist(() => admin.fetchOffsets({ groupId: group(), topics: [topic()] }));
    },
    async unsettled() {
      const [committed] = await insist(() => admin.fetchOffsets({ groupId: group(), topics: [topic()] }));
      const settled = (committed?.partitions ?? []).map(({ offset }) => Math.max(0, Number(offset)));
      const stored = (await insist(() => admin.fetchTopicOffsets(topic()))).map(({ high }) => Number(high));
      return sum(stored) - sum(settled);
    },
    remove: () => admin.deleteTopics({ topics: [topic()] }),
    close: () => admin.disconnect(),
  };
}

/** Asks again what the broker can't answer yet, such as while a coordinator loads; for half a minute. */
async function insist<T>(ask: () => Promise<T>): Promise<T> {
  for (let tries = 0; ; tries++)
    try {
      return await ask();
    } catch (error) {
      if (tries >= MOST_TRIES) throw error;
      await pause(TRY_AGAIN_MS);
    }
}

export const kafkaBus =
  (validateOn: 'both' | 'publish' = 'both') =>
  async ({ url }: Place): Promise<Courier> => {
    const route = await kafkaRoute(url);
    const make = (topicPrefix: string) =>
      new KafkaEventBus({ bootstrapServers: url, topicPrefix, consumerGroup: route.group(), validateOn });
    return busCourier(route, make);
  };

/** What one writes by hand: send with acks all; eachBatch, which commits after each batch. */
export async function bareKafka({ url }: Place): Promise<Courier> {
  const route = await kafkaRoute(url);
  const kafka = open(url);
  // A producer asks about every topic it ever wrote to: it must not outlive its route.
  let producer: Producer;
  let consumer: Consumer;
  return {
    ...route,
    async open(name) {
      await route.open(name);
      producer = kafka.producer({ allowAutoTopicCreation: false });
      await producer.connect();
    },
    publish: (orders) =>
      producer.send({ topic: route.topic(), acks: -1, messages: orders.map((order) => messageOf(order)) }),
    async consume(handle) {
      consumer = kafka.consumer({ groupId: route.group() });
      await consumer.connect();
      await consumer.subscribe({ topic: route.topic(), fromBeginning: true });
      await consumer.run({
        eachBatch: async ({ batch }) => {
          for (const message of batch.messages)
            await handle(JSON.parse((message.value as Buffer).toString()) as Order, message);
        },
      });
    },
    stop: () => consumer.disconnect(),
    async remove() {
      await producer.disconnect();
      await route.remove();
    },
  };
}

/** Key, body and headers of the record, as the bus writes them. */
export const messageOf = (order: Order) => ({
  key: order.aggregateId,
  value: bodyOf(order),
  headers: {
    event_id: order.eventId,
    ...headersOf(order),
    aggregate_version: String(order.aggregateVersion),
    occurred_at: `${timeOf(order)}+00:00`,
    correlation_id: order.correlationId,
  },
});

const sum = (numbers: readonly number[]): number => numbers.reduce((total, number) => total + number, 0);
