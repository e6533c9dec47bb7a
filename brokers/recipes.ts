import { type RunningBroker, startContainer } from './container.ts';
import { type KafkaProgram, kafkaAnswers, startKafkaServer } from './kafka-server.ts';
import { freePort } from './ports.ts';
import { type Found, findKafka, findRabbit, findRedis } from './programs.ts';
import { rabbitVersion, startRabbitServer } from './rabbitmq-server.ts';
import { redisVersion, startRedisServer } from './redis-server.ts';

/** How tests and benches come by one broker. */
export interface BrokerRecipe<Program = unknown> {
  readonly urlVariable: string;
  /** Where one that a developer runs would be. */
  readonly localUrl: string;
  /** Whether one that is fit for the tests answers there; within two seconds. */
  answers(url: string): Promise<boolean>;
  /** Looked up in any case: tests that kill a broker run their own. */
  findProgram(environment: NodeJS.ProcessEnv): Promise<Found<Program>>;
  /** Starts a private one. */
  start(program: Program): Promise<RunningBroker>;
  /** Resolves with undefined where no Docker engine answers. */
  startContainer(): Promise<RunningBroker | undefined>;
}

export const recipes = {
  redis: {
    urlVariable: 'REDIS_URL',
    localUrl: 'redis://127.0.0.1:6379',
    answers: async (url) => isAtLeast(await redisVersion(url), [6, 2]),
    findProgram: (environment) => findRedis(environment),
    start: (program) => startRedisServer(program),
    startContainer: () =>
      startContainer({
        image: 'redis:7-alpine',
        port: 6379,
        url: (address) => `redis://${address}`,
        answers: async (url) => (await redisVersion(url)) !== undefined,
      }),
  } satisfies BrokerRecipe<string>,
  rabbitmq: {
    urlVariable: 'RABBITMQ_URL',
    localUrl: 'amqp://guest:guest@127.0.0.1:5672',
    answers: async (url) => isAtLeast(await rabbitVersion(url), [3, 8]),
    findProgram: (environment) => findRabbit(environment),
    start: (program) => startRabbitServer(program),
    startContainer: () =>
      startContainer({
        image: 'rabbitmq:4',
        port: 5672,
        url: (address) => `amqp://guest:guest@${address}`,
        answers: async (url) => (await rabbitVersion(url)) !== undefined,
      }),
  } satisfies BrokerRecipe<string>,
  kafka: {
    urlVariable: 'KAFKA_BOOTSTRAP_SERVERS',
    localUrl: '127.0.0.1:9092',
    answers: (servers) => kafkaAnswers(servers),
    findProgram: (environment) => findKafka(environment),
    start: (program) => startKafkaServer(program),
    startContainer: async () => {
      const port = await freePort();
      return startContainer({
        image: 'apache/kafka:4.3.1',
        port: 9092,
        hostPort: port,
        url: (address) => address,
        answers: kafkaAnswers,
        environment: (host) => ({
          KAFKA_NODE_ID: '1',
          KAFKA_PROCESS_ROLES: 'broker,controller',
          KAFKA_CONTROLLER_LISTENER_NAMES: 'CONTROLLER',
          KAFKA_CONTROLLER_QUORUM_VOTERS: '1@localhost:9093',
          KAFKA_LISTENERS: 'PLAINTEXT://:9092,CONTROLLER://:9093',
          KAFKA_ADVERTISED_LISTENERS: `PLAINTEXT://${host}:${port}`,
          KAFKA_LISTENER_SECURITY_PROTOCOL_MAP: 'PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT',
          KAFKA_OFFSETS_TOPIC_REPLICATION_FACTOR: '1',
          KAFKA_TRANSACTION_STATE_LOG_REPLICATION_FACTOR: '1',
          KAFKA_TRANSACTION_STATE_LOG_MIN_ISR: '1',
          KAFKA_GROUP_INITIAL_REBALANCE_DELAY_MS: '0',
        }),
      });
    },
  } satisfies BrokerRecipe<KafkaProgram>,
};

export type BrokerName = keyof typeof recipes;

function isAtLeast(version: string | undefined, [major, minor]: readonly [number, number]): boolean {
  const [foundMajor = 0, foundMinor = 0] = (version ?? '').split('.').map(Number);
  return foundMajor > major || (foundMajor === major && foundMinor >= minor);
}
