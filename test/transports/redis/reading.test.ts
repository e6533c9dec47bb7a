import { readFile } from 'node:fs/promises';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { RedisServer } from '../../../brokers/redis-server.ts';
import { Bench, consume, eventually, message, redisBinary, startDurableRedis } from './port.ts';

describe.skipIf(redisBinary === undefined)('reading and publishing on Redis Streams', () => {
  let server: RedisServer;
  let bench: Bench;
  beforeAll(async () => {
    server = await startDurableRedis();
  });
  afterAll(() => server.stop());
  beforeEach(() => {
    bench = new Bench(server.url);
  });
  afterEach(() => bench.close());

  it('writes exactly the fields of eventsource-py, headers after them', async () => {
    const connection = await bench.connect();
    await connection.publish([
      message('e1', { attributes: { aggregateType: 'Order', occurredAt: '2026-01-02T03:04:05+00:00' } }),
      message('e2', {
        attributes: { aggregateType: 'Order', occurredAt: '2026-01-02T03:04:05+00:00', tenantId: 't' },
        headers: { traceparent: '00-1', 'x-attempt': '2' },
      }),
    ]);
    const entries = await bench.redis.xrange(bench.stream, '-', '+');
    const common = ['event_type', 'OrderCreated', 'aggregate_id'];
    const time = ['occurred_at', '2026-01-02T03:04:05+00:00'];
    expect(entries.map(([, fields]) => fields)).toEqual([
      ['event_id', 'e1', ...common, 'key-e1', 'aggregate_type', 'Order', 'tenant_id', ''].concat(time, [
        'payload',
        '{"id":"e1"}',
      ]),
      ['event_id', 'e2', ...common, 'key-e2', 'aggregate_type', 'Order', 'tenant_id', 't'].concat(time, [
        'payload',
        '{"id":"e2"}',
        'h:traceparent',
        '00-1',
        'x-attempt',
        '2',
      ]),
    ]);
  });

  it('reads what eventsource-py left, and hands it on unchanged', async () => {
    const wire = JSON.parse(
      await readFile(new URL('../../support/wire/eventsource-py.json', import.meta.url), 'utf8'),
    );
    const entry = wire.redis.entries[0] as Record<string, string>;
    const consumer = consume(await bench.connect());
    await bench.redis.xadd(bench.stream, '*', ...Object.entries(entry).flat());
    const [delivery] = await consumer.received(1);
    expect(delivery?.message).toEqual({
      id: entry['event_id'],
      type: entry['event_type'],
      key: entry['aggregate_id'],
      attributes: {
        aggregateType: entry['aggregate_type'],
        occurredAt: entry['occurred_at'],
        tenantId: entry['tenant_id'],
      },
      headers: {},
      body: entry['payload'],
    });
    expect(delivery?.deliveryCount).toBe(1);
    expect(delivery?.destination).toBe(bench.stream);
  });

  it('gives headers back as they were given, whatever they are called', async () => {
    const connection = await bench.connect();
    const consumer = consume(connection);
    const headers = Object.fromEntries([
      ['__proto__', 'a'],
      ['constructor', 'b'],
      ['x-c', 'é'],
    ]);
    await connection.publish([message('1', { headers })]);
    const [delivery] = await consumer.received(1);
    expect(new Map(Object.entries(delivery?.message.headers ?? {}))).toEqual(
      new Map(Object.entries(headers)),
    );
  });

  it('hands bytes on where a body is not valid UTF-8, and text where U+FFFD was meant', async () => {
    const consumer = consume(await bench.connect());
    const broken = Buffer.from([0x7b, 0xff, 0xfe, 0x7d]);
    await bench.redis.xadd(bench.stream, '*', 'event_id', 'broken', 'payload', broken);
    await bench.redis.xadd(bench.stream, '*', 'event_id', 'meant', 'payload', '"\uFFFD"');
    await bench.redis.xadd(bench.stream, '*', 'other', 'field');
    const bodies = (await consumer.received(3)).map((delivery) => delivery.message.body);
    expect(Buffer.from(bodies[0] as Uint8Array).equals(broken)).toBe(true);
    expect(bodies.slice(1)).toEqual(['"\uFFFD"', '']);
  });

  it('never has more pulled than its window, and reads on as places come free', async () => {
    const connection = await bench.connect(bench.transport({ batchSize: 5 }));
    await connection.publish(Array.from({ length: 40 }, (_, i) => message(String(i))));
    const consumer = consume(connection);
    expect(consumer.source.window).toBe(10);
    await consumer.received(10);
    await connection.info('g');
    expect(await bench.pending()).toBe(10);
    for (let settled = 0; settled < 40; settled++) {
      await consumer.received(settled + 1);
      expect(consumer.deliveries.length - settled).toBeLessThanOrEqual(10);
      consumer.deliveries[settled]?.ack();
    }
    expect(consumer.deliveries.map((delivery) => delivery.message.id)).toEqual(
      Array.from({ length: 40 }, (_, i) => String(i)),
    );
    await eventually(
      () => bench.pending(),
      (pending) => pending === 0,
    );
  });

  it('keeps to its window while the main stream and replays both have a backlog', async () => {
    const connection = await bench.connect(bench.transport({ batchSize: 4 }));
    await connection.publish(Array.from({ length: 30 }, (_, i) => message(`m${i}`)));
    for (let i = 0; i < 30; i++) {
      await bench.redis.xadd(`${bench.stream}:group:g`, '*', 'event_id', `r${i}`, 'payload', '{}');
    }
    const consumer = consume(connection);
    const seen = new Set<string>();
    for (let settled = 0; settled < 60; settled++) {
      await consumer.received(settled + 1);
      expect(consumer.deliveries.length - settled).toBeLessThanOrEqual(8);
      seen.add(consumer.deliveries[settled]?.message.id ?? '');
      consumer.deliveries[settled]?.ack();
    }
    expect(seen.size).toBe(60);
    await consumer.source.close();
    expect(await bench.redis.xlen(`${bench.stream}:group:g`)).toBe(0);
  });

  it('takes nothing while paused, and goes on after resume', async () => {
    const connection = await bench.connect(bench.transport({ blockMs: 2000 }));
    const consumer = consume(connection);
    await consumer.source.ready;
    consumer.source.pause();
    await eventually(
      () => bench.redis.client('LIST'),
      (list) => !/cmd=xreadgroup.* flags=b|flags=b/.test(String(list)),
    );
    await connection.publish([message('1')]);
    expect((await connection.info('g')).pendingMessages).toBe(0);
    expect(consumer.deliveries).toEqual([]);
    consumer.source.resume();
    await consumer.received(1);
  });

  it('acknowledges more than seven thousand entries at once', async () => {
    const connection = await bench.connect(bench.transport({ batchSize: 1000 }));
    const count = 7500;
    for (let at = 0; at < count; at += 1500) {
      await connection.publish(Array.from({ length: 1500 }, (_, i) => message(String(at + i))));
    }
    const consumer = consume(connection, { onDelivery: (delivery) => delivery.ack() });
    await consumer.received(count);
    await consumer.source.close();
    expect(await bench.pending()).toBe(0);
    expect(new Set(consumer.deliveries.map((delivery) => delivery.message.id)).size).toBe(count);
    expect(consumer.notices).toEqual([]);
  });

  it('loses nothing that a read brings while the source stops', async () => {
    const connection = await bench.connect(bench.transport({ blockMs: 5000 }));
    const first = consume(connection, { onDelivery: (delivery) => delivery.ack() });
    await first.source.ready;
    const published = Array.from({ length: 50 }, (_, i) => connection.publish([message(String(i))]));
    await first.source.stop();
    await Promise.all(published);
    expect(await first.ended).toBeUndefined();
    await first.source.close();
    const second = consume(connection, { onDelivery: (delivery) => delivery.ack() });
    await eventually(
      () => first.deliveries.length + second.deliveries.length,
      (length) => length >= 50,
    );
    const ids = [...first.deliveries, ...second.deliveries].map((delivery) => delivery.message.id);
    expect(new Set(ids).size).toBe(50);
    expect(ids).toHaveLength(50);
    expect(second.deliveries.every((delivery) => delivery.deliveryCount === 1)).toBe(true);
  });

  it('gives up its place in the group when it closes with nothing pending, and keeps it otherwise', async () => {
    const connection = await bench.connect();
    const consumer = consume(connection, { consumer: 'c~00000001' });
    await connection.publish([message('1'), message('2')]);
    const [one, two] = await consumer.received(2);
    one?.ack();
    await consumer.source.close();
    expect((await connection.info('g')).consumers).toBe(1);
    expect(await bench.owner(two?.position ?? '')).toEqual(['c~00000001', 1]);
    two?.ack();
    await eventually(
      () => bench.pending(),
      (pending) => pending === 0,
    );
    const again = consume(connection, { consumer: 'c~00000001' });
    await again.source.ready;
    await again.source.close();
    expect((await connection.info('g')).consumers).toBe(0);
    expect(await bench.redis.keys(`${bench.prefix}:hb:*`)).toEqual([]);
  });

  it('puts keyPrefix in front of every key', async () => {
    const connection = await bench.connect(bench.transport({ keyPrefix: 'app:' }));
    const consumer = consume(connection);
    await connection.publish([message('1')]);
    const [delivery] = await consumer.received(1);
    await delivery?.deadLetter({ 'x-group': 'g' });
    const keys = await bench.redis.keys(`*${bench.prefix}*`);
    expect(keys.length).toBeGreaterThanOrEqual(4);
    expect(keys.filter((key) => !key.startsWith('app:'))).toEqual([]);
  });

  it('cuts the stream, handled or not, only where that was asked for', async () => {
    const connection = await bench.connect(bench.transport({ dangerouslyMaxLength: 100 }));
    for (let i = 0; i < 10; i++) {
      await connection.publish(Array.from({ length: 100 }, (_, n) => message(`${i}-${n}`)));
    }
    expect((await connection.info(undefined)).length).toBeLessThan(400);
  });

  it('tells what Redis knows of the stream, and zeros before it is connected', async () => {
    const transport = bench.transport();
    expect(await transport.streamInfo()).toMatchObject({ connected: false, dlqMessages: 0 });
    const connection = await bench.connect(transport);
    expect(await connection.info('g')).toEqual({
      length: 0,
      pendingMessages: 0,
      dlqMessages: 0,
      consumers: 0,
      lag: undefined,
    });
    await connection.publish([message('1'), message('2'), message('3')]);
    const consumer = consume(connection);
    const [one, two, three] = await consumer.received(3);
    await one?.deadLetter({ 'x-group': 'g' });
    await two?.release();
    await consumer.source.stop();
    const depths = await Promise.all(['g', 'other', undefined].map((group) => connection.info(group)));
    expect(depths.map(({ dlqMessages }) => dlqMessages)).toEqual([1, 0, 1]);
    const info = await transport.streamInfo();
    expect(info).toMatchObject({
      connected: true,
      stream: {
        name: bench.stream,
        length: 3,
        firstEntryId: one?.position,
        lastEntryId: three?.position,
      },
      consumerGroups: [{ name: 'g', consumers: 1, pending: 2 }],
      pendingMessages: 2,
      dlqMessages: 1,
      activeConsumers: 1,
    });
  });
});
