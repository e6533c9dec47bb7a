import { Redis } from 'ioredis';
import { freePort } from './ports.ts';
import { type PrivateServer, startPrivately, temporaryFolder } from './private-server.ts';
import type { ServerPlan } from './server-plan.ts';

export type RedisServer = PrivateServer;

export interface RedisServerOptions {
  /**
   * `always` keeps every acknowledged write through a SIGKILL, `everysec` all but the last second's; `no` is for tests
   * that don't restart, and the default.
   */
  readonly persistence?: 'always' | 'everysec' | 'no';
  /** More arguments of the `redis-server` command. */
  readonly args?: readonly string[];
}

/** Starts a private server on a free port of the loopback interface; resolves once it answers, in a tenth of a second. */
export async function startRedisServer(
  program: string,
  options: RedisServerOptions = {},
): Promise<RedisServer> {
  const port = await freePort();
  return startPrivately(redisPlan(program, await temporaryFolder('redis'), port, options), port);
}

/** @param program The `redis-server` to run. */
export function redisPlan(
  program: string,
  folder: string,
  port: number,
  { persistence = 'no', args = [] }: RedisServerOptions = {},
): ServerPlan {
  const url = `redis://127.0.0.1:${port}`;
  const options = ['--port', String(port), '--bind', '127.0.0.1', '--dir', folder, '--save', ''];
  options.push('--appendonly', persistence === 'no' ? 'no' : 'yes', '--appendfsync', persistence);
  return {
    url,
    folder,
    prepare: () => Promise.resolve(),
    programs: [
      {
        name: 'redis',
        command: { file: program, args: [...options, ...args] },
        isReady: async () => (await redisVersion(url)) !== undefined,
        startTimeoutMs: 10_000,
      },
    ],
  };
}

/** The version of the Redis at that address, such as `7.0.15`; undefined when none answers within a second. */
export async function redisVersion(url: string): Promise<string | undefined> {
  const redis = new Redis(url, {
    lazyConnect: true,
    connectTimeout: 1_000,
    commandTimeout: 1_000,
    retryStrategy: () => null,
    maxRetriesPerRequest: 0,
  });
  // Without a listener ioredis prints every refused connection.
  redis.on('error', () => undefined);
  try {
    await redis.connect();
    return /redis_version:(\S+)/.exec(await redis.info('server'))?.[1];
  } catch {
    return undefined;
  } finally {
    redis.disconnect();
  }
}
