import { randomBytes } from 'node:crypto';
import { connect } from 'amqplib';
import { Redis } from 'ioredis';
import type { RunningBroker } from '../brokers/container.ts';
import { findBroker, withoutPassword } from '../brokers/find.ts';
import { startKafkaServer } from '../brokers/kafka-server.ts';
import { recipes, type BrokerName, type BrokerRecipe } from '../brokers/recipes.ts';
import { startRabbitServer } from '../brokers/rabbitmq-server.ts';
import { startRedisServer } from '../brokers/redis-server.ts';
import type { Place } from './contestants/protocol.ts';

/** Where the rows of one broker run. */
export interface BenchBroker extends Place {
  /** Where it comes from, which version it is, and what it does with what it is given. */
  readonly description: string;
  /** Ends the server if it was started here. The contestants remove what they made. */
  close(): Promise<void>;
}

/** How each is started when the environment names none: as one that must lose nothing is run. */
const starts: { readonly [name in BrokerName]: () => Promise<RunningBroker | undefined> } = {
  redis: () => started(recipes.redis, (program) => startRedisServer(program, { persistence: 'always' })),
  rabbitmq: () => started(recipes.rabbitmq, (program) => startRabbitServer(program)),
  kafka: () =>
    started(recipes.kafka, (program) =>
      startKafkaServer(program, { jvmArguments: ['-Xmx1g', '-XX:+UseG1GC'] }),
    ),
};

const descriptions: { readonly [name in BrokerName]: (url: string) => Promise<string> } = {
  redis: describeRedis,
  rabbitmq: describeRabbit,
  kafka: () =>
    Promise.resolve("Kafka, one broker, which leaves syncing to the system, as is Kafka's default"),
};

/**
 * The one that the environment names; else a private one; else, without its programs, whatever else tests would use.
 * @throws {Error} when there is none.
 */
export async function openBroker(name: BrokerName): Promise<BenchBroker> {
  const { url, from, stop } = await find(name);
  return {
    url,
    prefix: `buschart-bench-${randomBytes(4).toString('hex')}`,
    description: `${await descriptions[name](url)}; ${from}`,
    close: stop,
  };
}

async function find(name: BrokerName): Promise<{ url: string; from: string; stop: () => Promise<void> }> {
  const recipe: BrokerRecipe = recipes[name] as BrokerRecipe;
  if ((process.env[recipe.urlVariable] ?? '') === '') {
    const server = await starts[name]();
    if (server)
      return { url: server.url, from: 'a private server on the same machine', stop: () => server.stop() };
  }
  const found = await findBroker(recipe);
  const { url, from, missing } = found;
  if (url === undefined) throw new Error(`There is no ${name}: ${from}. ${missing}`);
  return { url, from: `${from} (${withoutPassword(url)})`, stop: () => found.stop() };
}

async function started<Program>(
  recipe: BrokerRecipe<Program>,
  start: (program: Program) => Promise<RunningBroker>,
): Promise<RunningBroker | undefined> {
  const { program } = await recipe.findProgram(process.env);
  return program && (await start(program));
}

async function describeRedis(url: string): Promise<string> {
  const redis = new Redis(url);
  const of = async (name: string) =>
    (await redis.config('GET', name).catch(() => []))[1] as string | undefined;
  const version = /redis_version:(\S+)/.exec(await redis.info('server'))?.[1] ?? 'unknown';
  const [appendOnly, fsync, save] = [await of('appendonly'), await of('appendfsync'), await of('save')];
  await redis.quit();
  if (appendOnly === undefined) return `Redis ${version}, persistence unknown (CONFIG is not allowed)`;
  if (appendOnly === 'yes') return `Redis ${version}, appendonly yes, appendfsync ${fsync}`;
  return `Redis ${version}, ${save === '' ? 'no persistence' : `snapshots (save ${save})`}`;
}

async function describeRabbit(url: string): Promise<string> {
  const connection = await connect(url);
  const { version } = connection.connection.serverProperties;
  await connection.close();
  return `RabbitMQ ${version}, quorum queues on one node`;
}
