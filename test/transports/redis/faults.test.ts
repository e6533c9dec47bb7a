import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { FaultProxy } from '../../../src/testing/proxy.ts';
import type { RedisServer } from '../../../brokers/redis-server.ts';
import type { Bench, TestConsumer } from './port.ts';
import { consume, eventually, message, printed, redisBinary, startBreakableRedis } from './port.ts';

describe.skipIf(redisBinary === undefined)('faults of Redis and of the way to it', () => {
  let server: RedisServer;
  let bench: Bench;
  let proxy: FaultProxy;
  let redisUrl: string;
  let stop: () => Promise<void>;
  beforeEach(async () => ({ server, bench, proxy, redisUrl, stop } = await startBreakableRedis()));
  afterEach(() => stop());

  const throughProxy = (blockMs = 200) => bench.transport({ redisUrl, pendingIdleMs: 60_000, blockMs });
  const ids = (consumers: readonly TestConsumer[]) =>
    consumers.flatMap(({ deliveries }) => deliveries.map((delivery) => delivery.message.id));
  const nothingPending = () =>
    eventually(
      () => bench.pending(),
      (pending) => pending === 0,
    );

  it('ends the connection at the first loss, and the iteration throws', async () => {
    const connection = await bench.connect();
    const consumer = consume(connection);
    await consumer.source.ready;
    await server.kill();
    expect(await connection.closed).toMatchObject({ name: 'ConnectionError', retryable: true });
    expect(await consumer.ended).toMatchObject({ name: 'ConnectionError' });
    await expect(connection.publish([message('1'), message('2')])).rejects.toMatchObject({
      stored: [],
      unknown: [],
      unsent: [0, 1],
      retryable: true,
    });
  });

  it('ends both sockets when the reader alone is lost', async () => {
    const connection = await bench.connect();
    const consumer = consume(connection);
    await consumer.source.ready;
    await eventually(
      async () => {
        const list = String(await bench.redis.client('LIST'));
        const blocked = /^id=(\d+) .*flags=b/m.exec(list)?.[1];
        return blocked === undefined ? 0 : bench.redis.client('KILL', 'ID', Number(blocked));
      },
      (killed) => killed === 1,
    );
    expect(await connection.closed).toBeInstanceOf(Error);
    await eventually(
      () => bench.redis.client('LIST'),
      (list) => String(list).trim().split('\n').length === 1,
    );
  });

  it('says of each event whether it may be stored when the socket goes', async () => {
    const connection = await bench.connect(throughProxy());
    proxy.set('half-open');
    const publishing = connection.publish([message('1'), message('2')]);
    await eventually(
      () => bench.redis.xlen(bench.stream),
      (length) => length === 2,
    );
    proxy.set('rst');
    await expect(publishing).rejects.toMatchObject({
      name: 'PublishFailure',
      stored: [],
      unknown: [0, 1],
      unsent: [],
      retryable: true,
    });
  });

  it.each([1, 2])('tells no body to whoever prints why %d event(s) failed', async (count) => {
    const secret = () => message('hush', { body: '{"card":"hush-hush"}' });
    const messages = Array.from({ length: count }, secret);
    const connection = await bench.connect(throughProxy());
    const failed = () => connection.publish(messages).catch((error: unknown) => error);
    await bench.redis.acl('SETUSER', 'default', '-xadd');
    const refused = printed(await failed());
    await bench.redis.acl('SETUSER', 'default', '+xadd');
    expect(refused).toContain('NOPERM');
    proxy.set('half-open');
    const cut = failed();
    await eventually(
      () => bench.redis.xlen(bench.stream),
      (length) => length === count,
    );
    proxy.set('rst');
    expect(printed(await cut)).toContain('Connection is closed');
    expect(refused + printed(await cut)).not.toContain('hush-hush');
  });

  it('tells no body to whoever prints why a dead letter was not stored', async () => {
    const connection = await bench.connect();
    const consumer = consume(connection);
    await connection.publish([message('1', { body: '{"card":"hush-hush"}' })]);
    const [delivery] = await consumer.received(1);
    await bench.redis.acl('SETUSER', 'default', '-evalsha', '-eval');
    const failed: unknown = await delivery!
      .deadLetter({ 'x-exception-message': 'hush-hush' })
      .catch((error: unknown) => error);
    await bench.redis.acl('SETUSER', 'default', '+evalsha', '+eval');
    expect(printed(failed)).toContain('NOPERM');
    expect(printed(failed)).not.toContain('hush-hush');
  });

  it('repeats an ack whose reply was lost, over the next connection', async () => {
    const transport = throughProxy();
    const first = await bench.connect(transport);
    const consumer = consume(first, { consumer: 'c~00000001' });
    await first.publish(Array.from({ length: 5 }, (_, i) => message(String(i))));
    const deliveries = await consumer.received(5);
    proxy.set('half-open');
    deliveries[0]!.ack();
    await eventually(
      () => bench.pending(),
      (pending) => pending === 4,
    );
    deliveries[1]!.ack();
    proxy.set('rst');
    await first.closed;
    // Settled while no connection stands.
    deliveries[2]!.ack();
    expect(await bench.pending()).toBeGreaterThan(2);
    proxy.heal();
    const second = await bench.connect(transport);
    const again = consume(second, { consumer: 'c~00000001' });
    deliveries[3]!.ack();
    deliveries[4]!.ack();
    await again.source.ready;
    // Late, and no business of the reader that follows.
    await consumer.source.close();
    await nothingPending();
    expect(again.deliveries).toEqual([]);
    await second.publish(Array.from({ length: 300 }, (_, i) => message(`later-${i}`)));
    for (let settled = 0; settled < 300; settled++) {
      await again.received(settled + 1);
      again.deliveries[settled]!.ack();
    }
    await again.source.close();
    expect(await bench.pending()).toBe(0);
    expect(again.notices).toEqual([]);
  });

  it('hands out what a read took whose reply was lost, before anything newer', async () => {
    const transport = throughProxy(3000);
    const first = await bench.connect(transport);
    const consumer = consume(first, { consumer: 'c~00000001' });
    await first.publish([message('held')]);
    const [held] = await consumer.received(1);
    proxy.set('half-open');
    await bench.redis.xadd(bench.stream, '*', 'event_id', 'swallowed', 'payload', '{}');
    await eventually(
      () => bench.pending(),
      (pending) => pending === 2,
    );
    proxy.set('rst');
    await first.closed;
    await bench.redis.xadd(bench.stream, '*', 'event_id', 'newer', 'payload', '{}');
    proxy.heal();
    const second = await bench.connect(transport);
    const again = consume(second, { consumer: 'c~00000001' });
    await again.received(2);
    expect(ids([again])).toEqual(['swallowed', 'newer']);
    held!.ack();
    again.deliveries.forEach((delivery) => delivery.ack());
    await nothingPending();
    expect(again.deliveries).toHaveLength(2);
  });

  it('gives a silent reader up after its block time, and a silent command socket too', async () => {
    const connection = await bench.connect(throughProxy());
    const consumer = consume(connection);
    await consumer.source.ready;
    proxy.set('blackhole');
    expect(await connection.closed).toMatchObject({ retryable: true });
    expect(await consumer.ended).toBeInstanceOf(Error);
  });

  it('loses nothing when the server is killed amid publishing and consuming', async () => {
    const transport = bench.transport({ pendingIdleMs: 60_000 });
    let connection = await bench.connect(transport);
    const consumers = [consume(connection, { consumer: 'c~00000001', onDelivery: (d) => d.ack() })];
    const confirmed = new Set<string>();
    const publish = async (id: string) => {
      await connection.publish([message(id)]).then(
        () => confirmed.add(id),
        () => undefined,
      );
    };
    for (let i = 0; i < 1000; i++) {
      await Promise.all([publish(`${i}a`), publish(`${i}b`), i === 300 ? server.kill() : undefined]);
      if (i !== 300) continue;
      await connection.closed;
      await server.start();
      connection = await bench.connect(transport);
      consumers.push(consume(connection, { consumer: 'c~00000001', onDelivery: (d) => d.ack() }));
    }
    expect(confirmed.size).toBeGreaterThan(1900);
    await eventually(
      () => new Set(ids(consumers)),
      (seen) => [...confirmed].every((id) => seen.has(id)),
    );
    await nothingPending();
  });

  it.each([
    ['FLUSHALL', (b: Bench) => b.redis.flushall()],
    [
      'DEL and XADD',
      (b: Bench) =>
        b.redis.multi().del(b.stream).xadd(b.stream, '*', 'event_id', 'kept', 'payload', '{}').exec(),
    ],
    ['XGROUP DESTROY', (b: Bench) => b.redis.xgroup('DESTROY', b.stream, 'g')],
  ])('makes the group again and goes on after %s', async (name, fault) => {
    const connection = await bench.connect();
    const consumer = consume(connection);
    await connection.publish([message('before')]);
    const [before] = await consumer.received(1);
    let abandoned = 0;
    before!.holder = { lost: () => void abandoned++, recall: () => false };
    await fault(bench);
    await eventually(
      () => consumer.notices.map(({ kind }) => kind),
      (kinds) => kinds.includes('group-recreated'),
    );
    await connection.publish([message('after')]);
    await eventually(
      () => ids([consumer]),
      (seen) => seen.includes('after') && (name !== 'DEL and XADD' || seen.includes('kept')),
    );
    if (name !== 'XGROUP DESTROY') expect(abandoned).toBe(1);
    for (const delivery of consumer.deliveries) delivery.ack();
    await consumer.source.close();
    expect(await bench.pending()).toBe(0);
  });

  it('rejects a publish that the server has no memory for, for now', async () => {
    const connection = await bench.connect();
    const consumer = consume(connection, { onDelivery: (delivery) => delivery.ack() });
    await connection.publish([message('1')]);
    await consumer.received(1);
    await bench.redis.config('SET', 'maxmemory', '1');
    await expect(connection.publish([message('2'), message('3')])).rejects.toMatchObject({
      name: 'PublishFailure',
      stored: [],
      unknown: [],
      unsent: [0, 1],
      retryable: true,
    });
    await bench.redis.config('SET', 'maxmemory', '0');
    await connection.publish([message('4')]);
    await consumer.received(2);
  });

  /** How many sockets the server has accepted so far. */
  const accepted = async () =>
    Number(/total_connections_received:(\d+)/.exec(await bench.redis.info('stats'))?.[1]);
  const isReady = (consumer: TestConsumer) =>
    Promise.race([consumer.source.ready.then(() => true), nextTurn(false)]);

  it('ends the source alone where the server refuses the group, and it is never ready', async () => {
    const connection = await bench.connect();
    await bench.redis.set(bench.stream, 'not a stream');
    const before = await accepted();
    const refused = consume(connection);
    expect(await refused.ended).toMatchObject({
      name: 'ConnectionError',
      message: expect.stringContaining('WRONGTYPE') as string,
    });
    expect(await isReady(refused)).toBe(false);
    await refused.source.close();
    expect(await accepted()).toBe(before);
    await bench.redis.del(bench.stream);
    const again = consume(connection);
    await again.source.ready;
    expect(await isReady(again)).toBe(true);
    await connection.publish([message('1')]);
    await again.received(1);
  });

  it('ends the source alone where the server begins to refuse its reads; what was in hand stays ours', async () => {
    const connection = await bench.connect(bench.transport({ pendingIdleMs: 60_000 }));
    const first = consume(connection, { consumer: 'c~00000001' });
    await first.source.ready;
    await connection.publish([message('1'), message('2')]);
    const [one, two] = await first.received(2);
    const { redis } = bench;
    await redis.acl('SETUSER', 'default', '-xreadgroup');
    try {
      expect(await first.ended).toMatchObject({
        retryable: false,
        message: expect.stringMatching(/NOPERM/) as string,
      });
      one!.ack();
      expect((await connection.info('g')).consumers).toBe(1);
    } finally {
      await redis.acl('SETUSER', 'default', '+xreadgroup');
    }
    const second = consume(connection, { consumer: 'c~00000001' });
    await second.source.ready;
    // Late, and no business of the reader that follows.
    await first.source.close();
    await connection.publish([message('3')]);
    expect((await second.received(1))[0]?.message.id).toBe('3');
    for (const delivery of [two!, ...second.deliveries]) delivery.ack();
    await nothingPending();
    expect(await redis.exists(`${bench.prefix}:hb:g:c~00000001`)).toBe(1);
  });

  it('leaves a process nothing to wait for, whether it closed or lost the server', async () => {
    const script = fileURLToPath(new URL('./exits-by-itself.ts', import.meta.url));
    for (const end of ['close', 'kill-clients']) {
      const run = await promisify(execFile)(process.execPath, ['--import', 'tsx', script, server.url, end], {
        timeout: 15_000,
      });
      expect(run.stdout.trim()).toBe('done');
      expect(run.stderr).not.toContain('Error');
    }
  });
});
