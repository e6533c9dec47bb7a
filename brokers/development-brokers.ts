import { join } from 'node:path';
import { DevelopmentBroker } from './development.ts';
import { kafkaAnswers, kafkaPlan, type KafkaPorts } from './kafka-server.ts';
import { type Found, findKafka, findRabbit, findRedis } from './programs.ts';
import type { RabbitPorts } from './rabbitmq-configuration.ts';
import { rabbitPlan, rabbitVersion } from './rabbitmq-server.ts';
import type { BrokerName } from './recipes.ts';
import { redisPlan, redisVersion } from './redis-server.ts';

/** How many ports the brokers take, in a row. */
export const portCount = 6;

/**
 * The brokers of `npm run brokers`.
 * @param folder Has a folder with the data of each.
 */
export function developmentBrokers(
  folder: string,
  firstPort: number,
  environment: NodeJS.ProcessEnv = process.env,
): Record<BrokerName, DevelopmentBroker> {
  return {
    redis: redis(join(folder, 'redis'), firstPort, environment),
    rabbitmq: rabbit(
      join(folder, 'rabbitmq'),
      { amqp: firstPort + 1, distribution: firstPort + 2, epmd: firstPort + 3 },
      environment,
    ),
    kafka: kafka(
      join(folder, 'kafka'),
      { plain: firstPort + 4, controller: firstPort + 5, others: {} },
      environment,
    ),
  };
}

function redis(folder: string, port: number, environment: NodeJS.ProcessEnv): DevelopmentBroker {
  const url = `redis://127.0.0.1:${port}`;
  return new DevelopmentBroker({
    url,
    folder,
    programs: [{ name: 'redis', ports: [port] }],
    answers: async () => (await redisVersion(url)) !== undefined,
    plan: async () =>
      redisPlan(present(await findRedis(environment)), folder, port, { persistence: 'everysec' }),
  });
}

function rabbit(folder: string, ports: RabbitPorts, environment: NodeJS.ProcessEnv): DevelopmentBroker {
  const url = `amqp://guest:guest@127.0.0.1:${ports.amqp}`;
  return new DevelopmentBroker({
    url,
    folder,
    programs: [
      { name: 'epmd', ports: [ports.epmd] },
      { name: 'rabbitmq', ports: [ports.amqp, ports.distribution] },
    ],
    answers: async () => (await rabbitVersion(url)) !== undefined,
    plan: async () => rabbitPlan(present(await findRabbit(environment)), folder, ports),
  });
}

function kafka(folder: string, ports: KafkaPorts, environment: NodeJS.ProcessEnv): DevelopmentBroker {
  const url = `127.0.0.1:${ports.plain}`;
  // A server for weeks should compile with care.
  const jvmArguments = ['-Xmx512m', '-XX:+UseSerialGC', '-Xshare:auto'];
  return new DevelopmentBroker({
    url,
    folder,
    programs: [{ name: 'kafka', ports: [ports.plain, ports.controller] }],
    answers: () => kafkaAnswers(url),
    plan: async () => kafkaPlan(present(await findKafka(environment)), folder, ports, { jvmArguments }),
  });
}

function present<Program>(found: Found<Program>): Program {
  if (found.program === undefined) throw new Error(found.missing);
  return found.program;
}
