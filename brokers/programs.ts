import { execFile } from 'node:child_process';
import { access, constants, readdir, realpath } from 'node:fs/promises';
import { delimiter, dirname, join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { exists, kafkaJars } from './kafka-jars.ts';
import type { KafkaProgram } from './kafka-server.ts';

/** What runs a broker, or what is missing and how to install it: two sentences, without a full stop at the end. */
export type Found<Program> =
  | { readonly program: Program; readonly missing?: undefined }
  | { readonly program?: undefined; readonly missing: string };

/** Data and programs of private brokers, in the checkout and ignored by Git. */
export const brokersFolder = resolve(import.meta.dirname, '../.brokers');

type Environment = NodeJS.ProcessEnv;

/** The `redis-server` on PATH. */
export async function findRedis(environment: Environment): Promise<Found<string>> {
  const program = await onPath('redis-server', environment['PATH']);
  if (program !== undefined) return { program };
  return missing('redis-server is not on PATH', 'redis-server', 'redis');
}

/**
 * The `sbin/rabbitmq-server` of the installed package. The one on PATH may be Debian's, which runs as root only and
 * then changes the user; its package keeps the true one in a folder that is named by version.
 * @param root Where the machine's `usr` is.
 */
export async function findRabbit(environment: Environment, root = '/'): Promise<Found<string>> {
  const path = environment['PATH'];
  // A Debian user's PATH has no sbin.
  const onThePath = await onPath('rabbitmq-server', [path, join(root, 'usr/sbin')].join(delimiter));
  const candidates: string[] = [];
  if (onThePath !== undefined) candidates.push(join(dirname(await realpath(onThePath)), 'rabbitmq-server'));
  const packages = join(root, 'usr/lib/rabbitmq/lib');
  const versions = await readdir(packages).catch(() => []);
  const newest = versions.toSorted((a, b) => b.localeCompare(a, 'en', { numeric: true }));
  candidates.push(...newest.map((name) => join(packages, name, 'sbin', 'rabbitmq-server')));
  for (const candidate of candidates) {
    const program = await realpath(candidate).catch(() => candidate);
    // What stands beside the true one alone.
    if (!(await exists(join(dirname(program), 'rabbitmq-env')))) continue;
    for (const tool of ['erl', 'epmd']) {
      if ((await onPath(tool, path)) !== undefined) continue;
      return missing(`RabbitMQ needs Erlang's ${tool}, which is not on PATH`, 'erlang-base', 'erlang');
    }
    return { program };
  }
  return missing('rabbitmq-server is not installed', 'rabbitmq-server', 'rabbitmq');
}

/** Java 17 or later and the jars, which Maven fetches the first time. */
export async function findKafka(
  environment: Environment,
  cache = brokersFolder,
): Promise<Found<KafkaProgram>> {
  const { PATH, JAVA_HOME } = environment;
  const java = await onPath('java', [JAVA_HOME && join(JAVA_HOME, 'bin'), PATH].join(delimiter));
  if (java === undefined)
    return missing('Kafka needs java, which is not on PATH', 'default-jre-headless', 'openjdk');
  const version = await javaVersion(java);
  if (version < 17)
    return missing(`Kafka needs Java 17, and ${java} is ${version}`, 'default-jre-headless', 'openjdk');
  const jars = await kafkaJars(cache, await onPath('mvn', PATH));
  if (jars === undefined)
    return missing("Kafka's jars are fetched by mvn, which is not on PATH", 'maven', 'maven');
  return { program: { java, jars } };
}

function missing(what: string, debian: string, homebrew: string): { readonly missing: string } {
  return {
    missing: `${what}. Install it (Debian, Ubuntu: apt-get install ${debian}; macOS: brew install ${homebrew})`,
  };
}

/** The first executable file of that name in those folders. */
export async function onPath(name: string, path = ''): Promise<string | undefined> {
  for (const folder of path.split(delimiter).filter(Boolean)) {
    const file = resolve(folder, name);
    if (await isExecutable(file)) return file;
  }
  return undefined;
}

/** 0 when it doesn't say; macOS has a `java` that only tells to install one. */
async function javaVersion(java: string): Promise<number> {
  const { stderr } = await promisify(execFile)(java, ['-version']).catch(() => ({ stderr: '' }));
  return Number(/version "(\d+)/.exec(stderr)?.[1] ?? 0);
}

function isExecutable(file: string): Promise<boolean> {
  return access(file, constants.X_OK).then(
    () => true,
    () => false,
  );
}
