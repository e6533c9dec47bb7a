import { Redis } from 'ioredis';
import { afterEach, describe, expect, inject, it } from 'vitest';
import { redisVersion, startRedisServer, type RedisServer } from '../support/redis-server.ts';

const binary = inject('redisServer');

describe.skipIf(binary === undefined)('a private redis server', () => {
  let server: RedisServer | undefined;
  afterEach(() => server?.stop());

  it('keeps every acknowledged write through a kill', async () => {
    server = await startRedisServer(binary!, { persistence: 'always' });
    const before = new Redis(server.url, { retryStrategy: () => null });
    before.on('error', () => undefined);
    await before.set('key', 'value');
    await server.kill();
    expect(server.pid).toBeUndefined();
    expect(await redisVersion(server.url)).toBeUndefined();
    await server.start();
    const after = new Redis(server.url);
    expect(await after.get('key')).toBe('value');
    after.disconnect();
  });

  it('is gone once stopped, and stopping twice is fine', async () => {
    server = await startRedisServer(binary!);
    expect(await redisVersion(server.url)).toMatch(/^\d+\./);
    await server.stop();
    await server.stop();
    expect(await redisVersion(server.url)).toBeUndefined();
  });

  it('says why it did not start', async () => {
    await expect(startRedisServer(binary!, { args: ['--no-such-option', 'x'] })).rejects.toThrow(
      'no-such-option',
    );
    await expect(startRedisServer('/nowhere/redis-server')).rejects.toThrow('ENOENT');
  });
});
