import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { RedisServer } from '../../../brokers/redis-server.ts';
import { Bench, redisBinary, startDurableRedis } from './port.ts';

const script = fileURLToPath(new URL('./stops-on-signals.ts', import.meta.url));

describe.skipIf(redisBinary === undefined)('a process that consumes from Redis and is asked to end', () => {
  let server: RedisServer;
  let bench: Bench;
  beforeAll(async () => {
    server = await startDurableRedis();
    bench = new Bench(server.url);
  });
  afterAll(async () => {
    await bench.close();
    await server.stop();
  });

  /** Runs it with a handler that takes so long; it is sent SIGTERM after each of these lines. */
  async function run(prefix: string, takesMs: number, after: readonly string[]) {
    const args = ['--import', 'tsx', script, server.url, prefix, String(takesMs)];
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'], timeout: 20_000 });
    const exited = once(child, 'exit') as Promise<[number | null, string | null]>;
    const lines: string[] = [];
    for await (const line of createInterface(child.stdout)) {
      lines.push(line);
      if (after.includes(line)) child.kill('SIGTERM');
    }
    const [code] = await exited;
    const [pending] = await bench.redis.xpending(`${prefix}:stream`, 'g');
    return { lines, code, pending };
  }

  it('ends what it has begun, settles it, and ends with 0', async () => {
    const ended = await run('drains', 300, ['begun']);
    expect(ended).toEqual({ lines: ['begun', 'told', 'done'], code: 0, pending: 0 });
  });

  it('ends at once when it is asked again, and what it had begun stays with the group', async () => {
    const ended = await run('forced', 3_600_000, ['begun', 'told']);
    expect(ended).toEqual({ lines: ['begun', 'told'], code: 143, pending: 1 });
  });
});
