import { randomBytes } from 'node:crypto';
import { Redis } from 'ioredis';
import { findBroker, withoutPassword } from '../brokers/find.ts';
import { recipes } from '../brokers/recipes.ts';
import { startRedisServer } from '../brokers/redis-server.ts';
import type { RedisPlace } from './contestants/protocol.ts';

/** Where the rows of Redis run. */
export interface BenchRedis extends RedisPlace {
  /** Where it comes from, which version it is, and what it does with what it is given. */
  readonly description: string;
  /** Removes every key of the bench, and the server if it was started here. */
  close(): Promise<void>;
}

/**
 * The one at REDIS_URL; else a private one that syncs its log to the disk before it answers, which is what a bus that
 * must lose nothing stands on; else, without a server binary, whatever else tests would use.
 * @throws {Error} when there is none.
 */
export async function openBenchRedis(): Promise<BenchRedis> {
  const found = await find();
  const { url, from } = found;
  const redis = new Redis(url);
  const prefix = `buschart-bench:${randomBytes(4).toString('hex')}`;
  const version = /redis_version:(\S+)/.exec(await redis.info('server'))?.[1] ?? 'unknown';
  return {
    url,
    prefix,
    description: `Redis ${version}, ${from}, ${await persistence(redis)}`,
    async close() {
      for (let cursor = '0'; ;) {
        const [next, keys] = await redis.scan(cursor, 'MATCH', `${prefix}*`, 'COUNT', 1000);
        if (keys.length > 0) await redis.unlink(...keys);
        cursor = next;
        if (cursor === '0') break;
      }
      await redis.quit();
      await found.stop();
    },
  };
}

async function find(): Promise<{ url: string; from: string; stop(): Promise<void> }> {
  const { redis: recipe } = recipes;
  if ((process.env['REDIS_URL'] ?? '') === '') {
    const { program } = await recipe.findProgram(process.env);
    const server = program && (await startRedisServer(program, { persistence: 'always' }));
    if (server)
      return { url: server.url, from: 'a private server on the same machine', stop: () => server.stop() };
  }
  const found = await findBroker(recipe);
  const { url, from, missing } = found;
  if (url === undefined) throw new Error(`There is no Redis: ${from}. ${missing}`);
  return { url, from: `${from} (${withoutPassword(url)})`, stop: () => found.stop() };
}

async function persistence(redis: Redis): Promise<string> {
  const of = async (name: string) =>
    (await redis.config('GET', name).catch(() => []))[1] as string | undefined;
  const [appendOnly, fsync, save] = [await of('appendonly'), await of('appendfsync'), await of('save')];
  if (appendOnly === undefined) return 'persistence unknown (CONFIG is not allowed)';
  if (appendOnly === 'yes') return `appendonly yes, appendfsync ${fsync}`;
  return save === '' ? 'no persistence' : `snapshots (save ${save})`;
}
