import { basename, dirname } from 'node:path';
import type { TestProject } from 'vitest/node';
import { findBroker, withoutPassword } from '../../brokers/find.ts';
import type { KafkaProgram } from '../../brokers/kafka-server.ts';
import { type BrokerName, type BrokerRecipe, recipes } from '../../brokers/recipes.ts';

/** Names what must be tested with, such as `redis,kafka,chromium`: without it the run fails. */
export const requireVariable = 'BUSCHART_REQUIRE';

declare module 'vitest' {
  interface ProvidedContext {
    /** Address of a Redis shared by all tests and maybe others: use keys of your own, never FLUSHALL. */
    redisUrl: string | undefined;
    /** For `startRedisServer`. */
    redisServer: string | undefined;
    /** Address of a RabbitMQ shared by all tests and maybe others: use names of your own, and delete what you made. */
    rabbitmqUrl: string | undefined;
    /** For `startRabbitServer`. */
    rabbitmqServer: string | undefined;
    /** Bootstrap servers of a Kafka shared by all tests and maybe others: use topics and groups of your own. */
    kafkaServers: string | undefined;
    /** For `startKafkaServer`. */
    kafkaProgram: KafkaProgram | undefined;
    /** What can't be tested here, and why; skips that follow from it need no entry in test/skips.json. */
    notTested: readonly NotTested[];
  }
}

/** What tests need beside Node. */
export type Needed = BrokerName | 'chromium';

export interface NotTested {
  readonly broker: Needed;
  readonly why: string;
}

const provided = {
  redis: { url: 'redisUrl', program: 'redisServer' },
  rabbitmq: { url: 'rabbitmqUrl', program: 'rabbitmqServer' },
  kafka: { url: 'kafkaServers', program: 'kafkaProgram' },
} as const;

const names = Object.keys(recipes) as BrokerName[];

/** The global setup of the tests that need brokers: finds or starts each, and gives its address to `inject`. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const required = requiredBrokers(process.env[requireVariable]);
  const { testFiles } = await project.globTestFiles();
  const chosen = new Set(project.vitest.state.getPaths());
  const needed = neededBrokers(
    project.config.watch ? testFiles : testFiles.filter((file) => chosen.has(file)),
  );
  const findings = await Promise.allSettled(
    needed.map(async (name) => {
      const broker = await findBroker(recipes[name] as BrokerRecipe<string | KafkaProgram>);
      return { name, ...broker };
    }),
  );
  const found = findings.flatMap((finding) => (finding.status === 'fulfilled' ? finding.value : []));
  const stopAll = async () => {
    await Promise.all(found.map((broker) => broker.stop()));
  };
  const problems = findings.flatMap((finding) =>
    finding.status === 'rejected' ? [String(finding.reason)] : [],
  );
  const notTested: NotTested[] = [];
  for (const { name, url, program, missing, from } of found) {
    project.provide(provided[name].url, url);
    // The recipe is of the same name, and so is its program.
    project.provide(provided[name].program, program as never);
    if (url === undefined) notTested.push({ broker: name, why: `${from}. ${missing}` });
    else if (missing !== undefined) {
      notTested.push({ broker: name, why: `its fault tests need a private server. ${missing}` });
    }
    console.log(`${name}: ${from}${url === undefined ? '' : ` (${withoutPassword(url)})`}`);
  }
  for (const { broker, why } of notTested) {
    if (required.has(broker)) problems.push(`${requireVariable} asks for what isn't here: ${broker}: ${why}`);
  }
  if (problems.length > 0) {
    await stopAll();
    throw new Error(problems.join('\n'));
  }
  project.provide('notTested', notTested);
  return stopAll;
}

/** The brokers that these test files need: those that a file is named after, or all; and none where it's `memory`. */
export function neededBrokers(files: readonly string[]): readonly BrokerName[] {
  const needed = new Set<BrokerName>();
  for (const file of files) {
    const words = `${basename(dirname(file))}/${basename(file)}`;
    if (words.includes('memory')) continue;
    const named = names.filter((name) => words.includes(name));
    for (const name of named.length > 0 ? named : names) needed.add(name);
  }
  return names.filter((name) => needed.has(name));
}

/** @throws {Error} naming those it doesn't know. */
export function requiredBrokers(list: string | undefined): ReadonlySet<Needed> {
  const known: readonly Needed[] = [...names, 'chromium'];
  const required = (list ?? '')
    .split(',')
    .map((name) => name.trim())
    .filter(Boolean);
  const unknown = required.filter((name) => !known.includes(name as Needed));
  if (unknown.length > 0) {
    throw new Error(`${requireVariable} names ${unknown.join(', ')}; it knows ${known.join(', ')}`);
  }
  return new Set(required as Needed[]);
}
