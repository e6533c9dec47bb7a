import { access, constants } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import type { TestProject } from 'vitest/node';
import { redisVersion, startRedisServer } from './redis-server.ts';

/** Names the transports that must be tested, `redis` or several with commas: without their broker the run fails. */
export const requireVariable = 'BUSCHART_REQUIRE';

/** All there is to add for one more broker, beside its names in `ProvidedContext` below. */
export interface BrokerRecipe {
  readonly urlVariable: string;
  /** Where one that a developer runs would be. */
  readonly localUrl: string;
  /** Looked up on PATH, for a private one and for tests that kill it. */
  readonly binary: string;
  /** Runs one in a container; undefined where no Docker engine answers. */
  startContainer(): Promise<{ readonly url: string; stop(): Promise<void> } | undefined>;
  readonly install: string;
  readonly answers: (url: string) => Promise<boolean>;
  readonly start: (binary: string) => Promise<{ readonly url: string; stop(): Promise<void> }>;
}

export const recipes = {
  redis: {
    urlVariable: 'REDIS_URL',
    localUrl: 'redis://127.0.0.1:6379',
    binary: 'redis-server',
    startContainer: () =>
      startContainer({ image: 'redis:7-alpine', port: 6379, url: (address) => `redis://${address}` }),
    install: 'Install redis-server (Debian, Ubuntu: apt-get install redis-server; macOS: brew install redis)',
    answers: async (url) => isAtLeast(await redisVersion(url), [6, 2]),
    start: (binary) => startRedisServer(binary),
  },
} as const satisfies Record<string, BrokerRecipe>;

export type BrokerName = keyof typeof recipes;

declare module 'vitest' {
  interface ProvidedContext {
    /** Address of a Redis shared by all tests and maybe others: use keys of your own, never FLUSHALL. */
    redisUrl: string | undefined;
    /** Path of the `redis-server` binary, for `startRedisServer`. */
    redisServer: string | undefined;
    /** What can't be tested here, and why; skips that follow from it need no entry in test/skips.json. */
    notTested: readonly NotTested[];
  }
}

export interface NotTested {
  readonly broker: BrokerName;
  readonly why: string;
}

/** A broker found or started; `stop` ends only what was started here. */
export interface FoundBroker {
  readonly url: string | undefined;
  readonly binary: string | undefined;
  readonly from: string;
  stop(): Promise<void>;
}

/** The global setup of the tests that need brokers: finds or starts each, and gives its address to `inject`. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const required = requiredBrokers(process.env[requireVariable]);
  const found: FoundBroker[] = [];
  const stopAll = async () => {
    await Promise.all(found.map((broker) => broker.stop()));
  };
  const notTested: NotTested[] = [];
  for (const name of Object.keys(recipes) as BrokerName[]) {
    const { install } = recipes[name];
    const broker = await findBroker(recipes[name]).catch(async (error: unknown) => {
      await stopAll();
      throw error;
    });
    found.push(broker);
    project.provide(`${name}Url`, broker.url);
    project.provide(`${name}Server`, broker.binary);
    if (broker.url === undefined) notTested.push({ broker: name, why: `${broker.from}. ${install}` });
    else if (broker.binary === undefined) {
      notTested.push({ broker: name, why: `its fault tests need a private server. ${install}` });
    }
    console.log(
      `${name}: ${broker.from}${broker.url === undefined ? '' : ` (${withoutPassword(broker.url)})`}`,
    );
  }
  const missing = notTested.filter(({ broker }) => required.has(broker));
  if (missing.length > 0) {
    await stopAll();
    throw new Error(
      `${requireVariable} asks for what isn't here: ${missing.map((m) => `${m.broker}: ${m.why}`).join('; ')}`,
    );
  }
  project.provide('notTested', notTested);
  return stopAll;
}

/** @throws {Error} naming those it doesn't know. */
export function requiredBrokers(list: string | undefined): ReadonlySet<BrokerName> {
  const names = (list ?? '')
    .split(',')
    .map((name) => name.trim())
    .filter(Boolean);
  const unknown = names.filter((name) => !Object.hasOwn(recipes, name));
  if (unknown.length > 0) {
    throw new Error(
      `${requireVariable} names ${unknown.join(', ')}; it knows ${Object.keys(recipes).join(', ')}`,
    );
  }
  return new Set(names as BrokerName[]);
}

/**
 * Takes the first there is: the address in the environment, a running local one, a private one from the binary on
 * PATH, a container.
 * @throws {Error} when the environment names an address where none answers: testing another would hide the mistake.
 */
export async function findBroker(
  recipe: BrokerRecipe,
  environment: NodeJS.ProcessEnv = process.env,
): Promise<FoundBroker> {
  const binary = await onPath(recipe.binary, environment['PATH']);
  const stop = () => Promise.resolve();
  const given = environment[recipe.urlVariable];
  if (given !== undefined && given !== '') {
    if (await recipe.answers(given)) return { url: given, binary, from: recipe.urlVariable, stop };
    throw new Error(`${recipe.urlVariable}: nothing fit for the tests answers at ${withoutPassword(given)}`);
  }
  if (await recipe.answers(recipe.localUrl))
    return { url: recipe.localUrl, binary, from: 'a local one', stop };
  if (binary !== undefined) {
    const server = await recipe.start(binary);
    return { url: server.url, binary, from: `a private one from ${binary}`, stop: () => server.stop() };
  }
  const container = await recipe.startContainer();
  if (container !== undefined) return { ...container, binary, from: 'a container' };
  return { url: undefined, binary, from: 'none answers, no server binary, no Docker engine', stop };
}

/** Undefined when no Docker engine answers within 5 seconds; the image may then take two minutes to come. */
async function startContainer({
  image,
  port,
  url,
}: {
  readonly image: string;
  readonly port: number;
  readonly url: (address: string) => string;
}) {
  const { GenericContainer, getContainerRuntimeClient } = await import('testcontainers');
  const engine = await Promise.race([
    getContainerRuntimeClient().catch(() => undefined),
    new Promise<undefined>((resolve) => setTimeout(resolve, 5_000, undefined).unref()),
  ]);
  if (engine === undefined) return undefined;
  const container = await new GenericContainer(image)
    .withExposedPorts(port)
    .withStartupTimeout(120_000)
    .start();
  return {
    url: url(`${container.getHost()}:${container.getMappedPort(port)}`),
    stop: async () => void (await container.stop()),
  };
}

export async function onPath(binary: string, path = ''): Promise<string | undefined> {
  for (const folder of path.split(delimiter).filter(Boolean)) {
    const file = join(folder, binary);
    const isThere = await access(file, constants.X_OK).then(
      () => true,
      () => false,
    );
    if (isThere) return file;
  }
  return undefined;
}

function isAtLeast(version: string | undefined, [major, minor]: readonly [number, number]): boolean {
  const [foundMajor = 0, foundMinor = 0] = (version ?? '').split('.').map(Number);
  return foundMajor > major || (foundMajor === major && foundMinor >= minor);
}

export function withoutPassword(url: string): string {
  return url.replace(/\/\/[^@/]*@/, '//***@');
}
