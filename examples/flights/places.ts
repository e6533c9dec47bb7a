import type { BrokerEventBus } from 'buschart';
import { KafkaEventBus } from 'buschart/kafka';
import { RabbitMQEventBus } from 'buschart/rabbitmq';
import { RedisEventBus } from 'buschart/redis';
import { connect } from 'amqplib';
import { Kafka, logLevel } from 'kafkajs';
import { logger } from './logger.ts';
import { removeKeys } from './redis-keys.ts';

export const brokerNames = ['redis', 'rabbitmq', 'kafka'] as const;
export type BrokerName = (typeof brokerNames)[number];

/** What one run has for itself on a broker; handed to its workers as JSON. */
export interface Place {
  readonly broker: BrokerName;
  readonly url: string;
  /** Unique to the run: a stream prefix, an exchange or a topic prefix. */
  readonly name: string;
}

/** All workers are members of it; the parent belongs to it too, to see its dead letters. */
export const consumerGroup = 'flights';

/** What every broker has an option for. */
export interface PlacedOptions {
  readonly consumerName?: string;
  readonly connectTimeoutMs?: number;
  readonly concurrency?: number;
  readonly retry?: { readonly baseDelayMs: number };
}

interface Broker {
  readonly bus: (place: Place, options: PlacedOptions) => BrokerEventBus;
  /** Removes all that the run made there, and nothing else. */
  readonly remove: (place: Place) => Promise<unknown>;
  /** What to do when nobody answers there. */
  readonly hint: string;
}

const brokers: Readonly<Record<BrokerName, Broker>> = {
  redis: {
    bus: ({ url, name }, options) =>
      new RedisEventBus({
        redisUrl: url,
        streamPrefix: name,
        consumerGroup,
        // What a killed worker had in hand is taken over after this long. The default of a minute suits slow networks and
        // paused processes; here somebody watches, and a living worker renews its leases anyway.
        pendingIdleMs: 2000,
        trim: 'handled',
        logger,
        ...options,
      }),
    remove: ({ url, name }) => removeKeys(url, name),
    hint: 'Start a Redis there (redis-server), name another with --redis-url redis://user:password@host:port',
  },
  rabbitmq: {
    bus: ({ url, name }, options) =>
      new RabbitMQEventBus({ rabbitmqUrl: url, exchangeName: name, consumerGroup, logger, ...options }),
    remove: removeQueues,
    hint: 'Start a RabbitMQ there, name another with --rabbitmq-url amqp://user:password@host:port',
  },
  kafka: {
    bus: ({ url, name }, options) =>
      new KafkaEventBus({
        bootstrapServers: url,
        topicPrefix: name,
        consumerGroup,
        createTopics: { partitions: 6, replicationFactor: 1 },
        // A killed worker's partitions are dealt out anew after this long: the least that a broker allows by default.
        sessionTimeoutMs: 6000,
        logger,
        ...options,
      }),
    remove: removeTopics,
    hint: 'Start a Kafka there, name another with --kafka-servers host:port',
  },
};

export const busAt = (place: Place, options: PlacedOptions): BrokerEventBus =>
  brokers[place.broker].bus(place, options);
export const removeAll = (place: Place): Promise<unknown> => brokers[place.broker].remove(place);
export const hintFor = (broker: BrokerName): string => brokers[broker].hint;

async function removeQueues({ url, name }: Place): Promise<void> {
  const connection = await connect(url);
  try {
    const channel = await connection.createChannel();
    for (const queue of [`${name}.${consumerGroup}`, `${name}.${consumerGroup}.dlq`])
      await channel.deleteQueue(queue);
    await channel.deleteExchange(name);
  } finally {
    await connection.close();
  }
}

async function removeTopics({ url, name }: Place): Promise<void> {
  const admin = new Kafka({ brokers: url.split(','), logLevel: logLevel.NOTHING }).admin();
  await admin.connect();
  try {
    const topics = (await admin.listTopics()).filter((topic) => topic.startsWith(`${name}.`));
    if (topics.length > 0) await admin.deleteTopics({ topics });
  } finally {
    await admin.disconnect();
  }
}
