import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { Redis } from 'ioredis';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { ConfigurationError } from '../../../src/errors.ts';
import { checkServer } from '../../../src/transports/redis/server.ts';
import { redisTransport } from '../../../src/transports/redis/transport.ts';
import type { RedisTransportOptions } from '../../../src/transports/redis/options.ts';
import type { RedisServer } from '../../../brokers/redis-server.ts';
import { Bench, consume, message, printed, redisBinary, startDurableRedis } from './port.ts';

describe('options of the Redis transport', () => {
  it.each([
    [{ batchSize: 0 }, /"batchSize" \(got 0\)/],
    [{ batchSize: 1001 }, /"batchSize"/],
    [{ blockMs: 1.5 }, /"blockMs" \(got 1.5\)/],
    [{ pendingIdleMs: 99 }, /"pendingIdleMs"/],
    [{ streamPrefix: '' }, /"streamPrefix"/],
    [{ dlqStreamSuffix: '' }, /"dlqStreamSuffix"/],
    [{ dlqStreamSuffix: ':group:g' }, /"dlqStreamSuffix".*":group:"/],
    [{ trim: 'maybe' }, /"trim" \(got "maybe"\)/],
    [{ dangerouslyMaxLength: 0 }, /"dangerouslyMaxLength"/],
    [{ connectTimeoutMs: 0 }, /"connectTimeoutMs"/],
    [{ redis: 5 }, /"redis".*ioredis client/],
    [{ redis: () => undefined, redisUrl: 'redis://a' }, /"redis".*not both/],
    [{ unheardOf: 1 }, /unheardOf/],
  ])('names what is wrong in %o', (options, text) => {
    expect(() => redisTransport(options as RedisTransportOptions)).toThrow(ConfigurationError);
    expect(() => redisTransport(options as RedisTransportOptions)).toThrow(text);
  });

  it('never repeats a URL, which may hold a password', () => {
    expect(() => redisTransport({ redisUrl: 'http://u:secret@h' })).toThrow(/"redisUrl".*redis:\/\//);
    expect(() => redisTransport({ redisUrl: 'http://u:secret@h' })).not.toThrow(/secret/);
  });

  it('refuses an old server, and a cluster without a hash tag', () => {
    const facts = { version: '7.0.15', runId: 'r', isCluster: false };
    expect(() => checkServer({ ...facts, version: '6.0.16' }, true)).toThrow(/6\.0\.16 is too old.*6\.2/);
    expect(() => checkServer({ ...facts, version: '5.9.0' }, true)).toThrow(ConfigurationError);
    for (const version of ['6.2.0', '7.0.15', '10.0.0']) {
      expect(() => checkServer({ ...facts, version }, false)).not.toThrow();
    }
    expect(() => checkServer({ ...facts, isCluster: true }, false)).toThrow(/hash tag/);
    expect(() => checkServer({ ...facts, isCluster: true }, true)).not.toThrow();
  });
});

describe.skipIf(redisBinary === undefined)('connecting to Redis', () => {
  let server: RedisServer;
  let bench: Bench;
  beforeAll(async () => {
    server = await startDurableRedis();
    // Not at the start: whoever waits for the server to answer knows no password.
    const admin = new Redis(server.url);
    await admin.config('SET', 'requirepass', 'right');
    admin.disconnect();
  });
  afterAll(() => server.stop());
  const url = (password: string) => `redis://:${password}@127.0.0.1:${server.port}`;
  beforeEach(() => {
    bench = new Bench(url('right'));
  });
  afterEach(() => bench.close());

  const failure = async (options: RedisTransportOptions, signal = AbortSignal.timeout(5000)) => {
    const error = await redisTransport(options)
      .connect(signal)
      .then(
        () => undefined,
        (thrown: unknown) => thrown as Error & { retryable: boolean },
      );
    return { name: error?.name, retryable: error?.retryable, message: error?.message };
  };

  it('rejects for good when the password is wrong or missing, without telling it', async () => {
    const wrong = await failure({ redisUrl: url('wrong-secret') });
    expect(wrong).toMatchObject({ name: 'ConnectionError', retryable: false });
    expect(wrong.message).toContain(`127.0.0.1:${server.port}`);
    expect(wrong.message).not.toContain('secret');
    expect(await failure({ redisUrl: `redis://127.0.0.1:${server.port}` })).toMatchObject({
      name: 'ConnectionError',
      retryable: false,
    });
  });

  it('tells no password to whoever prints the refusal with its causes', async () => {
    const refused: unknown = await redisTransport({ redisUrl: url('wrong-secret') })
      .connect(AbortSignal.timeout(5000))
      .catch((error: unknown) => error);
    expect(printed(refused)).toContain('WRONGPASS');
    expect(printed(refused)).not.toContain('wrong-secret');
  });

  it('rejects for now when nobody listens, or the server does not speak', async () => {
    const mute = createServer((socket) => socket.resume());
    await new Promise<void>((resolve) => mute.listen(0, '127.0.0.1', resolve));
    const { port } = mute.address() as AddressInfo;
    const silent = failure({ redisUrl: `redis://127.0.0.1:${port}` }, AbortSignal.timeout(300));
    expect(await silent).toMatchObject({ name: 'ConnectionError', retryable: true });
    await new Promise((resolve) => mute.close(resolve));
    const refused = await failure({ redisUrl: `redis://127.0.0.1:${port}` });
    expect(refused).toMatchObject({ name: 'ConnectionError', retryable: true });
    expect(refused.message).toContain(`127.0.0.1:${port}`);
  });

  it('rejects for good when the server does not speak TLS', async () => {
    const plain = createServer((socket) => socket.resume().end('-ERR that is no command\r\n'));
    await new Promise<void>((resolve) => plain.listen(0, '127.0.0.1', resolve));
    const { port } = plain.address() as AddressInfo;
    expect(await failure({ redisUrl: `rediss://127.0.0.1:${port}` })).toMatchObject({
      name: 'ConnectionError',
      retryable: false,
    });
    await new Promise((resolve) => plain.close(resolve));
  });

  it('names where it was connecting to also when the server says nothing, and asks whether it speaks TLS', async () => {
    const mute = createServer((socket) => socket.resume());
    await new Promise<void>((resolve) => mute.listen(0, '127.0.0.1', resolve));
    const { port } = mute.address() as AddressInfo;
    for (const [scheme, hint] of [
      ['redis', /127\.0\.0\.1:\d+$/],
      ['rediss', /127\.0\.0\.1:\d+: does this port speak TLS\?$/],
    ] as const) {
      const redisUrl = `${scheme}://u:secret@127.0.0.1:${port}`;
      expect(redisTransport({ redisUrl }).where).toBe(`127.0.0.1:${port}`);
      const { message: told } = await failure({ redisUrl }, AbortSignal.timeout(300));
      expect(told).toMatch(hint);
      expect(told).toContain(`127.0.0.1:${port}`);
    }
    await new Promise((resolve) => mute.close(resolve));
  });

  it('knows where it goes before it has connected, however its client was given', () => {
    const template = new Redis({ host: 'example.org', port: 7000, lazyConnect: true });
    expect(redisTransport().where).toBe('localhost:6379');
    expect(redisTransport({ redisUrl: 'rediss://u:secret@[::1]:7001/3' }).where).toBe('[::1]:7001');
    expect(redisTransport({ redis: template }).where).toBe('example.org:7000');
    expect(redisTransport({ redis: () => template }).where).toBeUndefined();
    template.disconnect();
  });

  it('rejects for good when there is no such database, instead of writing to database 0', async () => {
    const refused = await failure({ redisUrl: `${url('right')}/99` });
    expect(refused).toMatchObject({ name: 'ConnectionError', retryable: false });
    expect(refused.message).toContain(`database 99 of Redis at 127.0.0.1:${server.port}`);
    const connection = await bench.connect(bench.transport({ redisUrl: `${url('right')}/3` }));
    const consumer = consume(connection);
    await connection.publish([message('1')]);
    await consumer.received(1);
    expect(await bench.redis.exists(bench.stream)).toBe(0);
  });

  it('gives up at once when the signal aborts, before or while connecting', async () => {
    expect(await failure({ redisUrl: url('right') }, AbortSignal.abort())).toMatchObject({
      name: 'ConnectionError',
    });
  });

  it('copies the settings of a client handed in, and leaves it to its owner', async () => {
    const template = new Redis(url('right'), { lazyConnect: true, keyPrefix: 'mine:' });
    const connection = await bench.connect(
      redisTransport({ redis: template, streamPrefix: bench.prefix, blockMs: 200 }),
    );
    const consumer = consume(connection);
    await connection.publish([message('1')]);
    await consumer.received(1);
    await connection.close();
    expect(template.status).toBe('wait');
    expect(await bench.redis.xlen(`mine:${bench.stream}`)).toBe(1);
    template.disconnect();
  });

  it('uses what a factory makes, one client for each role, and refuses one that acts on its own', async () => {
    const roles: string[] = [];
    const connection = await bench.connect(
      redisTransport({
        streamPrefix: bench.prefix,
        redis: (role, settings) => {
          roles.push(role);
          return new Redis(url('right'), settings);
        },
      }),
    );
    const consumer = consume(connection);
    await consumer.source.ready;
    expect(roles).toEqual(['commands', 'reader']);
    for (const own of [{ retryStrategy: () => 1 }, { keyPrefix: 'x' }, { enableOfflineQueue: true }]) {
      const transport = redisTransport({
        redis: (_role, settings) => new Redis(url('right'), { ...settings, ...own }),
      });
      await expect(transport.connect(AbortSignal.timeout(1000))).rejects.toThrow(ConfigurationError);
      await expect(transport.connect(AbortSignal.timeout(1000))).rejects.toThrow(Object.keys(own)[0]);
    }
  });

  it('settles closed with undefined after close, which may be called twice', async () => {
    const connection = await bench.connect();
    const consumer = consume(connection);
    await consumer.source.ready;
    await Promise.all([connection.close(), connection.close()]);
    expect(await connection.closed).toBeUndefined();
    expect(await consumer.ended).toBeInstanceOf(Error);
    await expect(connection.publish([message('1')])).rejects.toMatchObject({ unsent: [0] });
  });
});
