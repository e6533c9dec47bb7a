import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { RedisServer } from '../../../brokers/redis-server.ts';
import { Bench, consume, eventually, message, redisBinary, startDurableRedis } from './port.ts';

describe.skipIf(redisBinary === undefined)('trimming what was handled on Redis Streams', () => {
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

  const isLength = (expected: number) =>
    eventually(
      () => bench.redis.xlen(bench.stream),
      (length) => length === expected,
    );

  it('waits for the slowest group, for what it has pending, and for groups it does not know', async () => {
    const connection = await bench.connect(bench.transport({ trim: 'handled' }));
    await connection.publish(Array.from({ length: 20 }, (_, i) => message(String(i))));
    await bench.redis.xgroup('CREATE', bench.stream, 'unknown', '0');
    const fast = consume(connection, { group: 'fast', onDelivery: (delivery) => delivery.ack() });
    await fast.received(20);
    const take = async (count: number) => {
      const reply = await bench.redis.xreadgroup(
        'GROUP',
        'unknown',
        'x',
        'COUNT',
        count,
        'STREAMS',
        bench.stream,
        '>',
      );
      return (reply as [string, [string, string[]][]][])[0]![1].map(([id]) => id);
    };
    const [first, ...others] = await take(5);
    await bench.redis.xack(bench.stream, 'unknown', ...others);
    const until = performance.now() + 600;
    await eventually(
      () => performance.now(),
      (now) => now > until,
    );
    expect(await bench.redis.xlen(bench.stream)).toBe(20);
    await bench.redis.xack(bench.stream, 'unknown', first!);
    await isLength(15);
    await bench.redis.xack(bench.stream, 'unknown', ...(await take(100)));
    await isLength(0);
  });

  it('keeps everything by default', async () => {
    const connection = await bench.connect();
    await connection.publish(Array.from({ length: 20 }, (_, i) => message(String(i))));
    const consumer = consume(connection, { onDelivery: (delivery) => delivery.ack() });
    await consumer.received(20);
    await consumer.source.close();
    expect(await bench.redis.xlen(bench.stream)).toBe(20);
  });
});
