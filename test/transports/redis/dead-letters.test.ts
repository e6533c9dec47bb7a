import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { startProxy } from '../../../src/testing/proxy.ts';
import type { RedisServer } from '../../../brokers/redis-server.ts';
import { Bench, consume, eventually, message, redisBinary, startDurableRedis } from './port.ts';
import { browsed } from '../../support/dead-letters.ts';

describe.skipIf(redisBinary === undefined)('dead letters on Redis Streams', () => {
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

  it('keep the original byte for byte, with our headers beside its own', async () => {
    const connection = await bench.connect();
    const consumer = consume(connection);
    const body = Buffer.from([0, 0xff, 0xc3, 0x28, 0x0a]);
    await bench.redis.xadd(
      bench.stream,
      '*',
      ...['event_id', 'e', 'payload', body, 'foreign', Buffer.from([0xfe])],
      ...['h:trace', 't', 'x-original-position', 'first', 'x-replay-count', '1'],
    );
    const [delivery] = await consumer.received(1);
    const headers = {
      'x-group': 'g',
      'x-dead-letter-id': 'd1',
      'x-original-position': 'second',
      'x-replay-count': '2',
    };
    await delivery!.deadLetter(headers);
    const [letter] = await browsed(connection.deadLetters, 'g');
    expect(letter?.message.headers).toEqual({ ...headers, trace: 't', 'x-original-position': 'first' });
    expect(Buffer.from(letter!.message.body).equals(body)).toBe(true);
    const [record] = await bench.redis.xrangeBuffer(`${bench.stream}_dlq`, '-', '+');
    expect(record?.[1].some((field) => field.equals(Buffer.from([0xfe])))).toBe(true);
    expect(await bench.pending()).toBe(0);
  });

  it('are stored once where the reply was lost and the call is repeated', async () => {
    const proxy = await startProxy({ host: '127.0.0.1', port: server.port });
    try {
      const transport = bench.transport({
        redisUrl: `redis://127.0.0.1:${proxy.port}`,
        pendingIdleMs: 60_000,
      });
      const first = await bench.connect(transport);
      const consumer = consume(first, { consumer: 'c~00000001' });
      await first.publish([message('1')]);
      const [delivery] = await consumer.received(1);
      proxy.set('half-open');
      const headers = { 'x-group': 'g', 'x-dead-letter-id': 'd2' };
      const lost = delivery!.deadLetter(headers);
      await eventually(
        () => bench.redis.xlen(`${bench.stream}_dlq`),
        (length) => length === 1,
      );
      proxy.set('rst');
      await expect(lost).rejects.toMatchObject({ code: 'CONNECTION' });
      proxy.heal();
      await first.closed;
      await expect(delivery!.deadLetter(headers)).rejects.toMatchObject({ code: 'CONNECTION' });
      await bench.connect(transport);
      await delivery!.deadLetter(headers);
      expect(await bench.redis.xlen(`${bench.stream}_dlq`)).toBe(1);
    } finally {
      await proxy.close();
    }
  });

  it('are stored from memory where the original was trimmed meanwhile', async () => {
    const connection = await bench.connect();
    const consumer = consume(connection);
    await connection.publish([message('1', { headers: { trace: 't' } })]);
    const [delivery] = await consumer.received(1);
    await bench.redis.xtrim(bench.stream, 'MAXLEN', 0);
    await delivery!.deadLetter({ 'x-group': 'g' });
    const [letter] = await browsed(connection.deadLetters, 'g');
    expect(letter?.message.id).toBe('1');
    expect(letter?.message.headers).toEqual({ trace: 't', 'x-group': 'g' });
    expect(letter?.message.body.toString()).toBe('{"id":"1"}');
  });

  it('are listed by group, page by page, those of eventsource-py under all groups', async () => {
    const connection = await bench.connect();
    const dlq = `${bench.stream}_dlq`;
    for (let i = 0; i < 12; i++) {
      await bench.redis.xadd(
        dlq,
        '*',
        'event_id',
        `${i}`,
        'payload',
        '{}',
        'x-group',
        i % 2 ? 'odd' : 'even',
      );
    }
    await bench.redis.xadd(dlq, '*', 'event_id', 'py', 'payload', '{}', 'original_message_id', '1-1');
    const store = connection.deadLetters;
    const odd = await browsed(store, 'odd');
    expect(odd.map((letter) => letter.message.id).join()).toBe('1,3,5,7,9,11');
    const rest = await browsed(store, 'odd', odd[3]!.position);
    expect(rest.map((letter) => letter.message.id).join()).toBe('9,11');
    expect(await browsed(store, 'odd', odd.at(-1)!.position)).toEqual([]);
    expect(await Promise.all(['odd', 'even', 'none', '*'].map((group) => store.depth(group)))).toEqual([
      6, 6, 0, 13,
    ]);
    const all = await browsed(store, '*');
    expect(all).toHaveLength(13);
    expect(all.at(-1)?.message.headers).toEqual({ original_message_id: '1-1' });
    expect(await store.remove(all.slice(0, 3))).toBe(3);
    expect(await store.remove(all.slice(2, 4))).toBe(1);
    expect(await store.depth('*')).toBe(9);
  });

  it('are replayed to their group alone, with the headers given, and only once', async () => {
    const connection = await bench.connect();
    const own = consume(connection, { group: 'own' });
    const other = consume(connection, { group: 'other' });
    await connection.publish([message('1', { headers: { trace: 't' } })]);
    const [delivery] = await own.received(1);
    const [seen] = await other.received(1);
    seen!.ack();
    await delivery!.deadLetter({
      'x-group': 'own',
      'x-failure-reason': 'attempts-exhausted',
      'x-original-position': '1-1',
    });
    const [letter] = await browsed(connection.deadLetters, 'own');
    const headers = { 'x-replay-count': '1', 'x-target-handlers': 'a,b' };
    expect(await connection.deadLetters.replay(letter!, headers)).toBe(true);
    expect(await connection.deadLetters.replay(letter!, headers)).toBe(false);
    const replayed = (await own.received(2))[1];
    expect(replayed?.message).toEqual({
      ...message('1'),
      headers: { ...headers, trace: 't', 'x-original-position': '1-1' },
    });
    expect(await connection.deadLetters.depth('*')).toBe(0);
    await replayed!.deadLetter({ 'x-group': 'own', 'x-original-position': '2-2', 'x-replay-count': '1' });
    const [again] = await browsed(connection.deadLetters, 'own');
    expect(again?.message.headers['x-original-position']).toBe('1-1');
    expect(await bench.redis.xlen(`${bench.stream}:group:own`)).toBe(0);
    expect(other.deliveries).toHaveLength(1);
  });

  it('are replayed from eventsource-py as it does itself: to the main stream, without its fields', async () => {
    const connection = await bench.connect();
    const dlq = `${bench.stream}_dlq`;
    await bench.redis.xadd(dlq, '*', 'event_id', 'py', 'payload', '{}', 'retry_count', '4');
    const [letter] = await browsed(connection.deadLetters, '*');
    expect(await connection.deadLetters.replay(letter!, {})).toBe(true);
    const [entry] = await bench.redis.xrange(bench.stream, '-', '+');
    expect(entry?.[1]).toEqual(['event_id', 'py', 'payload', '{}']);
  });
});
