import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { RedisServer } from '../../../brokers/redis-server.ts';
import type { TestConsumer } from './port.ts';
import { Bench, consume, eventually, incarnation, message, redisBinary, startDurableRedis } from './port.ts';

describe.skipIf(redisBinary === undefined)('who owns an entry on Redis Streams', () => {
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

  /** Makes the group and has a consumer that isn't ours take up to `count` entries. */
  const takeAs = async (name: string, count: number) => {
    await bench.redis.xgroup('CREATE', bench.stream, 'g', '0', 'MKSTREAM').catch(() => undefined);
    await bench.redis.xreadgroup('GROUP', 'g', name, 'COUNT', count, 'STREAMS', bench.stream, '>');
  };

  it('takes over what a dead consumer left, with its count, marked as older than newer ones', async () => {
    const connection = await bench.connect();
    await connection.publish([message('1'), message('2')]);
    await takeAs('dead~1', 2);
    const consumer = consume(connection, { consumer: incarnation('other') });
    await connection.publish([message('3')]);
    const deliveries = await consumer.received(3);
    expect(deliveries.map((d) => [d.message.id, d.deliveryCount])).toEqual([
      ['3', 1],
      ['1', 2],
      ['2', 2],
    ]);
    const [three, one, two] = deliveries;
    expect(three?.precedes).toBeUndefined();
    expect([one?.precedes?.(three!), two?.precedes?.(one!)]).toEqual([true, false]);
    expect(consumer.notices).toEqual([{ kind: 'claimed', count: 2, detail: expect.any(String) }]);
  });

  it('finds an entry behind a thousand young ones', async () => {
    const connection = await bench.connect();
    await connection.publish(Array.from({ length: 1001 }, (_, i) => message(String(i))));
    await takeAs('peer', 1001);
    const last = (await bench.redis.xrevrange(bench.stream, '+', '-', 'COUNT', 1))[0]?.[0] ?? '';
    const keepYoung = setInterval(() => {
      void bench.redis.eval(
        `local p = redis.call('XPENDING', KEYS[1], 'g', '-', '(' .. ARGV[1], 1000)
         for i = 1, #p do redis.call('XCLAIM', KEYS[1], 'g', 'peer', 0, p[i][1], 'JUSTID') end`,
        1,
        bench.stream,
        last,
      );
    }, 100);
    try {
      const consumer = consume(connection);
      const [delivery] = await consumer.received(1);
      expect(delivery?.position).toBe(last);
      expect(consumer.deliveries).toHaveLength(1);
    } finally {
      clearInterval(keepYoung);
    }
  });

  it('shares what is left among survivors, each entry to one', async () => {
    const connection = await bench.connect();
    await connection.publish(Array.from({ length: 90 }, (_, i) => message(String(i))));
    await takeAs('dead', 90);
    const consumers: TestConsumer[] = [];
    for (let i = 0; i < 3; i++) {
      consumers.push(consume(await bench.connect(bench.transport({ batchSize: 15 }))));
    }
    await eventually(
      () => consumers.reduce((sum, { deliveries }) => sum + deliveries.length, 0),
      (sum) => sum >= 90,
    );
    const ids = consumers.flatMap(({ deliveries }) => deliveries.map((delivery) => delivery.message.id));
    expect(ids).toHaveLength(90);
    expect(new Set(ids).size).toBe(90);
  });

  it('renews what a slow handler holds: nobody takes it, and it is not abandoned', async () => {
    const slow = await bench.connect();
    const holder = consume(slow, { consumer: 'slow~00000001' });
    await slow.publish([message('1')]);
    const [delivery] = await holder.received(1);
    let isAbandoned = false;
    delivery!.holder = { lost: () => void (isAbandoned = true), recall: () => false };
    const eager = consume(await bench.connect());
    await eager.source.ready;
    const until = performance.now() + 2000;
    await eventually(
      () => performance.now(),
      (now) => now > until,
    );
    expect(eager.deliveries).toEqual([]);
    expect(isAbandoned).toBe(false);
    expect(await bench.owner(delivery!.position)).toEqual(['slow~00000001', 1]);
  });

  it('tells once that an entry was claimed away, and stores no settlement of it but the ack', async () => {
    const connection = await bench.connect();
    const consumer = consume(connection);
    await connection.publish([message('1'), message('2')]);
    const [one, two] = await consumer.received(2);
    let abandoned = 0;
    one!.holder = { lost: () => void abandoned++, recall: () => false };
    two!.holder = { lost: () => void abandoned++, recall: () => false };
    await bench.redis.xclaim(bench.stream, 'g', 'thief', 0, one!.position, two!.position);
    await eventually(
      () => abandoned,
      (count) => count === 2,
    );
    await expect(one!.deadLetter({ 'x-group': 'g' })).rejects.toThrow('belongs to another consumer');
    await one!.release();
    one!.ack();
    await connection.info('g');
    expect(abandoned).toBe(2);
    expect(await bench.owner(one!.position)).toEqual(['thief', 2]);
    expect(await connection.deadLetters.depth('*')).toBe(0);
  });

  it('refuses a dead letter whose entry was claimed away unnoticed, and tells of it', async () => {
    const connection = await bench.connect(bench.transport({ pendingIdleMs: 60_000 }));
    const consumer = consume(connection);
    await connection.publish([message('1')]);
    const [delivery] = await consumer.received(1);
    let abandoned = 0;
    delivery!.holder = { lost: () => void abandoned++, recall: () => false };
    await bench.redis.xclaim(bench.stream, 'g', 'thief', 0, delivery!.position);
    await expect(delivery!.deadLetter({ 'x-group': 'g' })).rejects.toMatchObject({ code: 'NOT_OWNED' });
    expect(abandoned).toBe(1);
    expect(await connection.deadLetters.depth('*')).toBe(0);
  });

  it('counts an ack that came after somebody else had acknowledged', async () => {
    const connection = await bench.connect(bench.transport({ pendingIdleMs: 60_000 }));
    const consumer = consume(connection);
    await connection.publish([message('1'), message('2')]);
    const [one, two] = await consumer.received(2);
    await bench.redis.xack(bench.stream, 'g', one!.position);
    one!.ack();
    two!.ack();
    await consumer.source.close();
    expect(consumer.notices.map(({ kind, count }) => [kind, count])).toEqual([['late-ack', 1]]);
  });

  it('takes up a former incarnation first of all, unless that still lives', async () => {
    const connection = await bench.connect(bench.transport({ pendingIdleMs: 60_000 }));
    await connection.publish([message('1'), message('2'), message('3')]);
    await takeAs('worker~dead0001', 1);
    await takeAs('worker~live0001', 1);
    await bench.redis.set(`${bench.prefix}:hb:g:worker~live0001`, '1');
    const consumer = consume(connection, { consumer: incarnation('worker') });
    const deliveries = await consumer.received(2);
    await connection.info('g');
    expect(deliveries.map((d) => [d.message.id, d.deliveryCount])).toEqual([
      ['1', 2],
      ['3', 1],
    ]);
    const rows = (await bench.redis.xinfo('CONSUMERS', bench.stream, 'g')) as string[][];
    expect(rows.map((row) => row[1])).not.toContain('worker~dead0001');
    await bench.redis.del(`${bench.prefix}:hb:g:worker~live0001`);
    expect((await consumer.received(3))[2]?.message.id).toBe('2');
  });

  it('gives released entries to the group at once, with the count unchanged', async () => {
    const connection = await bench.connect(bench.transport({ pendingIdleMs: 60_000 }));
    const first = consume(connection);
    await connection.publish([message('1'), message('2')]);
    const deliveries = await first.received(2);
    const second = consume(await bench.connect(bench.transport({ pendingIdleMs: 60_000 })));
    await second.source.ready;
    await first.source.stop();
    await Promise.all(deliveries.map((delivery) => delivery.release()));
    const again = await second.received(2);
    expect(again.map((d) => [d.message.id, d.deliveryCount])).toEqual([
      ['1', 1],
      ['2', 1],
    ]);
    await first.source.close();
    again.forEach((delivery) => delivery.ack());
    await second.source.close();
    expect(await bench.pending()).toBe(0);
  });

  it('renews an abandoned entry no longer and stores no settlement of it: another consumer takes it', async () => {
    const connection = await bench.connect();
    const first = consume(connection);
    await connection.publish([message('1'), message('2')]);
    const [one, two] = await first.received(2);
    one!.abandon();
    one!.ack();
    await expect(one!.deadLetter({ 'x-group': 'g' })).rejects.toMatchObject({ code: 'NOT_OWNED' });
    const second = consume(await bench.connect());
    const [taken] = await second.received(1);
    expect([taken?.message.id, taken?.deliveryCount]).toEqual(['1', 2]);
    two!.abandon();
    await first.source.close();
    expect(await bench.redis.keys(`${bench.prefix}:hb:*`)).toHaveLength(1);
    await second.received(2);
    expect(await connection.deadLetters.depth('*')).toBe(0);
  });

  it('hands an abandoned entry to the next source of the same consumer', async () => {
    const connection = await bench.connect(bench.transport({ pendingIdleMs: 60_000 }));
    const first = consume(connection, { consumer: 'c~00000001' });
    await connection.publish([message('1')]);
    const [delivery] = await first.received(1);
    delivery!.abandon();
    await first.source.close();
    const second = consume(connection, { consumer: 'c~00000001' });
    expect((await second.received(1))[0]?.deliveryCount).toBe(2);
  });

  it('acknowledges entries that were trimmed before they were handled, and says how many', async () => {
    const connection = await bench.connect();
    await connection.publish([message('1'), message('2'), message('3')]);
    await takeAs('dead', 3);
    await bench.redis.xtrim(bench.stream, 'MAXLEN', 1);
    const consumer = consume(connection);
    const [delivery] = await consumer.received(1);
    expect(delivery?.message.id).toBe('3');
    expect(consumer.notices.find(({ kind }) => kind === 'trimmed')?.count).toBe(2);
    expect(await bench.pending()).toBe(1);
  });
});
