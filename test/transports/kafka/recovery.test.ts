import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, inject, it } from 'vitest';
import { type KafkaServer, startKafkaServer } from '../../../brokers/kafka-server.ts';
import { distinct, eventually, Placed, placed, Rig, upTo } from './rig.ts';

const program = inject('kafkaProgram');

describe.skipIf(program === undefined)('a Kafka that fails', { timeout: 60_000 }, () => {
  let server: KafkaServer;
  let rig: Rig;
  beforeAll(async () => {
    server = await startKafkaServer(program!);
  }, 60_000);
  beforeEach(() => (rig = new Rig(server.url)));
  afterEach(() => rig.close());
  afterAll(() => server.stop());

  /** Of each key the first handlings, as they came. */
  function expectOrder(seen: readonly number[], keys: number): void {
    const first = [...new Set(seen)];
    for (let key = 0; key < keys; key++) {
      const own = first.filter((n) => n % keys === key);
      expect(own).toEqual(own.toSorted((a, b) => a - b));
    }
  }

  it('loses nothing when it is killed under way, and is consumed from within 3 s of being back', async () => {
    const seen: number[] = [];
    const consumers = [await rig.consumer(seen), await rig.consumer(seen)];
    const publisher = rig.bus();
    await publisher.publish(placed(2000, 50));
    const published = publisher.publish(placed(2000, 50, 2000));
    await eventually(
      () => seen.length,
      (count) => count > 500,
    );
    await server.kill();
    await eventually(
      () => consumers.map(({ state }) => state),
      (states) => states.every((state) => state !== 'consuming'),
    );
    await server.start();
    const backAt = performance.now();
    const before = seen.length;
    await published.catch(() => undefined);
    await publisher.publish(placed(100, 50, 4000));
    await eventually(
      () => seen.length,
      (count) => count > before,
    );
    expect(performance.now() - backAt).toBeLessThan(3000);
    await eventually(
      () => distinct(seen).filter((n) => n < 2000 || n >= 4000).length,
      (count) => count === 2100,
    );
    expectOrder(seen, 50);
  });

  it('is consumed from within 3 s of being back after a minute', { timeout: 100_000 }, async () => {
    const seen: number[] = [];
    const consumer = await rig.consumer(seen);
    const publisher = rig.bus({ publishTimeoutMs: 60_000 });
    await publisher.publish(placed(10));
    await server.kill();
    await consumer.waitFor('retrying');
    // The waits between attempts have become as long as they get.
    await new Promise((resolve) => setTimeout(resolve, 60_000));
    const published = publisher.publish(placed(10, 20, 10));
    await server.start();
    const backAt = performance.now();
    await eventually(
      () => distinct(seen).length,
      (count) => count === 20,
    );
    expect(performance.now() - backAt).toBeLessThan(3000);
    await published;
  });

  it('notices one that is frozen, and goes on within 3 s when it thaws', async () => {
    const seen: number[] = [];
    const consumer = await rig.consumer(seen);
    const publisher = rig.bus();
    await publisher.publish(placed(200));
    await eventually(
      () => seen.length,
      (count) => count === 200,
    );
    server.freeze();
    try {
      await eventually(
        () => consumer.state,
        (state) => state !== 'consuming',
        8000,
      );
    } finally {
      server.thaw();
    }
    const backAt = performance.now();
    await publisher.publish(placed(100, 20, 200));
    await eventually(
      () => distinct(seen).length,
      (count) => count === 300,
    );
    expect(performance.now() - backAt).toBeLessThan(3000);
    expect(distinct(seen)).toEqual(upTo(300));
  });

  it('hands partitions to those that join and leave under load, each event once and in order', async () => {
    const seen: number[] = [];
    const work = () => new Promise((resolve) => setTimeout(resolve, 2));
    const first = await rig.consumer(seen, {}, work);
    await rig.bus().publish(placed(3000, 60));
    await eventually(
      () => seen.length,
      (count) => count > 300,
    );
    const second = await rig.consumer(seen, {}, work);
    await eventually(
      () => seen.length,
      (count) => count > 1000,
    );
    await rig.consumer(seen, {}, work);
    await first.shutdown();
    await eventually(
      () => seen.length,
      (count) => count > 2000,
    );
    await second.shutdown();
    await eventually(
      () => distinct(seen).length,
      (count) => count === 3000,
    );
    expect(seen).toHaveLength(3000);
    expectOrder(seen, 60);
  });

  it('is waited for by those that start before it, and handled from once it is there', async () => {
    await server.kill();
    const seen: number[] = [];
    const patient = { connectTimeoutMs: Infinity, publishTimeoutMs: 60_000 };
    const consumer = rig.bus({ ...patient, consumerGroup: 'g' });
    consumer.subscribe(Placed, ({ n }) => void seen.push(n));
    const started = consumer.startConsumingInBackground();
    const published = rig.bus(patient).publish(placed(20));
    // Long enough for the waits between attempts to have become as long as they get.
    await new Promise((resolve) => setTimeout(resolve, 2000));
    expect(consumer.state).toBe('connecting');
    await server.start();
    const thereAt = performance.now();
    await Promise.all([started, published]);
    await eventually(
      () => seen.length,
      (count) => count === 20,
    );
    expect(performance.now() - thereAt).toBeLessThan(5000);
    expect(distinct(seen)).toEqual(upTo(20));
  });

  it('notices that its topics were deleted, makes them anew and goes on', async () => {
    const seen: number[] = [];
    const consumer = await rig.consumer(seen);
    const publisher = rig.bus();
    await publisher.publish(placed(50));
    await eventually(
      () => seen.length,
      (count) => count === 50,
    );
    await rig.admin((admin) =>
      admin.deleteTopics({ topics: [rig.topic, `${rig.topic}.dlq`, `${rig.topic}.g.replay`] }),
    );
    await eventually(
      () => consumer.getStats().reconnections,
      (reconnections) => reconnections > 0,
    );
    await publisher.publish(placed(50, 20, 50));
    await eventually(
      () => distinct(seen).length,
      (count) => count === 100,
      30_000,
    );
  });
});
