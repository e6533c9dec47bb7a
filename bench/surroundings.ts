import { readFile } from 'node:fs/promises';
import { arch, cpus, loadavg, release, totalmem, type } from 'node:os';
import { execa } from 'execa';

/** What the figures depend on, beside the code. */
export interface Surroundings {
  readonly date: string;
  readonly commit: string;
  readonly machine: string;
  /** Average of the last 5 minutes, which the bench itself is part of: about 1 of it in memory, up to 2 on Redis. */
  readonly load: number;
  readonly node: string;
  /** Name and version of each library that takes part. */
  readonly libraries: readonly string[];
  /** Those that took part, in words. */
  readonly brokers: readonly string[];
}

const LIBRARIES = [
  ...['xstate', 'zod', 'ioredis', 'amqplib', 'kafkajs'],
  ...['emittery', 'bullmq', 'rabbitmq-client', '@platformatic/kafka'],
];

export async function surroundings(brokers: readonly string[]): Promise<Surroundings> {
  const [cpu] = cpus();
  const memory = `${Math.round(totalmem() / 2 ** 30)} GiB`;
  return {
    date: new Date().toISOString().slice(0, 10),
    commit: await commit(),
    machine: `${cpus().length} × ${cpu?.model.trim() ?? 'unknown processor'}, ${memory}, ${type()} ${release()} ${arch()}`,
    load: Number(loadavg()[1]?.toFixed(1)),
    node: process.version,
    libraries: await Promise.all(LIBRARIES.map(async (name) => `${name} ${await versionOf(name)}`)),
    brokers,
  };
}

/** Short, and saying so when there are changes that it doesn't hold. */
async function commit(): Promise<string> {
  const result = await execa('git', ['describe', '--always', '--dirty=, with changes on top'], {
    reject: false,
  });
  return result.exitCode === 0 ? result.stdout : 'unknown';
}

async function versionOf(name: string): Promise<string> {
  const url = new URL(`../node_modules/${name}/package.json`, import.meta.url);
  return (JSON.parse(await readFile(url, 'utf8')) as { version: string }).version;
}
