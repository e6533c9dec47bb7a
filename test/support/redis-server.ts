import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import getPort from 'get-port';
import { Redis } from 'ioredis';

/** A Redis of one test's own: it may be killed, frozen and flushed. Its data folder outlives a kill. */
export interface RedisServer {
  readonly url: string;
  readonly port: number;
  /** Of the process running now; undefined while none runs. */
  readonly pid: number | undefined;
  /** Ends the process at once, as a crash would; resolves once it's gone. */
  kill(): Promise<void>;
  /** Runs it again on the same port and data; resolves once it answers. */
  start(): Promise<void>;
  /** Ends it and removes its data. Idempotent. */
  stop(): Promise<void>;
}

/** `always` keeps every acknowledged write through a SIGKILL; `no` is for tests that don't restart. */
export interface RedisServerOptions {
  readonly persistence?: 'always' | 'no';
  /** More arguments of the `redis-server` command. */
  readonly args?: readonly string[];
}

/** Starts a private server on a free port of the loopback interface; resolves once it answers. */
export async function startRedisServer(
  binary: string,
  options: RedisServerOptions = {},
): Promise<RedisServer> {
  const folder = await mkdtemp(join(tmpdir(), 'buschart-redis-'));
  const port = await getPort({ host: '127.0.0.1' });
  const url = `redis://127.0.0.1:${port}`;
  const appendOnly =
    options.persistence === 'always' ? ['yes', '--appendfsync', 'always'] : ['no', '--appendfsync', 'no'];
  const args = ['--port', String(port), '--bind', '127.0.0.1', '--dir', folder, '--save', ''];
  args.push('--appendonly', ...appendOnly, ...(options.args ?? []));

  let child: ChildProcess | undefined;
  const endWithUs = () => child?.kill('SIGKILL');
  process.on('exit', endWithUs);

  const kill = async () => {
    const running = child;
    child = undefined;
    if (running === undefined || running.exitCode !== null || running.signalCode !== null) return;
    const gone = once(running, 'exit');
    running.kill('SIGKILL');
    await gone;
  };
  const start = async () => {
    const started = spawn(binary, args, { stdio: ['ignore', 'pipe', 'pipe'] });
    child = started;
    let output = '';
    started.stdout.on('data', (chunk: Buffer) => (output = (output + chunk.toString()).slice(-4_000)));
    started.stderr.on('data', (chunk: Buffer) => (output = (output + chunk.toString()).slice(-4_000)));
    const failure = once(started, 'error').then(([error]) => String(error));
    for (let waitedMs = 0; (await redisVersion(url)) === undefined; waitedMs += 50) {
      const reason = await Promise.race([failure, pause(50)]);
      if (reason !== undefined || started.exitCode !== null || waitedMs > 10_000) {
        await kill();
        throw new Error(`${binary} did not start on port ${port}: ${reason ?? output}`);
      }
    }
  };
  const stop = async () => {
    process.off('exit', endWithUs);
    await kill();
    await rm(folder, { recursive: true, force: true });
  };
  try {
    await start();
  } catch (error) {
    await stop();
    throw error;
  }
  return {
    url,
    port,
    get pid() {
      return child?.pid;
    },
    kill,
    start,
    stop,
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
