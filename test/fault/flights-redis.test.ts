import { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { runFlights } from '../examples/flights-program.ts';
import { type RedisServer, startRedisServer } from '../../brokers/redis-server.ts';

const binary = inject('redisServer');

describe.skipIf(binary === undefined)('the flights example on redis', { timeout: 120_000 }, () => {
  let server: RedisServer;
  beforeAll(async () => {
    server = await startRedisServer(binary ?? '');
  });
  afterAll(() => server.stop());

  async function keysLeft(): Promise<number> {
    const redis = new Redis(server.url);
    try {
      return await redis.dbsize();
    } finally {
      redis.disconnect();
    }
  }

  function onRedis(...args: string[]): string[] {
    return ['--transport', 'redis', '--redis-url', server.url, ...args];
  }

  it('ends equal to the plain loop although a worker was killed, and leaves no key and no file', async () => {
    const run = await runFlights(onRedis('--workers', '3', '--kill'));
    expect(run.stdout).toMatch(/worker-\d was killed with SIGKILL after [1-9]\d* events, and replaced/);
    expect(run.stdout).toMatch(/not-retryable:.*DelayLedger.*no room for a delay of over 240 minutes/);
    expect(run.stdout).toContain('still dead letters: 0');
    expect(run.stdout).toContain('projection equals the plain loop: yes');
    expect(run.stdout).toContain('every departure is in the ledger: yes');
    expect(run.stdout).toContain('every long delay was notified: yes');
    expect({ exitCode: run.exitCode, leftovers: run.leftovers }).toEqual({ exitCode: 0, leftovers: [] });
    expect(await keysLeft()).toBe(0);
  });

  it('shows itself and each of its workers in pages with --inspect', async () => {
    const pages = new Map<string, string>();
    const closing = new AbortController();
    let output = '';
    const watch = async (name: string, url: string): Promise<void> => {
      pages.set(name, '');
      const { origin, hash } = new URL(url);
      const headers = { authorization: `Bearer ${hash.replace('#token=', '')}` };
      const { body } = await fetch(`${origin}/api/stream`, { headers, signal: closing.signal });
      for await (const chunk of body!.pipeThrough(new TextDecoderStream()))
        pages.set(name, `${pages.get(name)}${chunk}`);
    };
    const run = await runFlights(onRedis('--workers', '2', '--inspect', '--limit', '500', '--rate', '400'), {
      on: 'stays until Ctrl-C',
      signal: 'SIGINT',
      during: (text) => {
        output += text;
        // The main page last: the run begins with it.
        for (const [, name = '', url = ''] of output.matchAll(/^(worker-\d:|Open) (http\S+)\n/gm))
          if (!pages.has(name)) watch(name, url).catch(() => undefined);
      },
    });
    closing.abort();
    expect([...pages.keys()].toSorted()).toEqual(['Open', 'worker-1:', 'worker-2:']);
    expect(pages.get('Open')).toMatch(/"published":[1-9]/);
    for (const name of ['worker-1:', 'worker-2:'])
      for (const shown of ['"consuming"', 'DelayLedger', /"consumed":[1-9]/])
        expect(pages.get(name)).toMatch(shown);
    expect(run.stdout).toContain('projection equals the plain loop: yes');
    expect({ exitCode: run.exitCode, leftovers: run.leftovers }).toEqual({ exitCode: 0, leftovers: [] });
    expect(await keysLeft()).toBe(0);
  });

  it('retries the same notifications as in memory', async () => {
    const args = ['--limit', '2000', '--seed', '5'];
    const [memory, redis] = await Promise.all([runFlights(args), runFlights(onRedis(...args))]);
    const retried = /retried: .*/.exec(memory.stdout)?.[0] ?? 'nothing was retried in memory';
    expect(redis.stdout).toContain(retried);
  });

  it('drains and leaves nothing when it is interrupted', async () => {
    const run = await runFlights(onRedis('--workers', '2', '--input', 'flights-20k.json'), {
      on: 'flights of',
      signal: 'SIGINT',
    });
    expect(run.stderr).toContain('Interrupted');
    expect({ exitCode: run.exitCode, leftovers: run.leftovers }).toEqual({ exitCode: 130, leftovers: [] });
    expect(await keysLeft()).toBe(0);
  });
});
