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

  it('is consumed from within 3 s of being back after a long while', { timeout: 60_000 }, async () => {
    const seen: number[] = [];
    const consumer = await rig.consumer(seen);
    const publisher = rig.bus({ publishTimeoutMs: 60_000 });
    await publisher.publish(placed(10));
    await server.kill();
    await consumer.waitFor('retrying');
    // Long enough for the waits between attempts to have become as long as they get.
    await new Promise((resolve) => setTimeout(resolve, 15_000));
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

  it('handles once what takes longer than a session, while another partition goes on', async () => {
    const seen: number[] = [];
    const options = { sessionTimeoutMs: 6000, heartbeatIntervalMs: 500 };
    await rig.consumer(seen, options, (n) =>
      n === 0 ? new Promise((resolve) => setTimeout(resolve, 8000)) : undefined,
    );
    await rig.bus().publish(placed(400, 40));
    // Nine more of the key wait behind it.
    await eventually(
      () => seen.length,
      (count) => count === 390,
      5000,
    );
    await eventually(
      () => seen.length,
      (count) => count === 400,
    );
    expect(seen.filter((n) => n === 0)).toHaveLength(1);
  });

  it('takes what makes no progress away from its member, and the signal of the handler aborts', async () => {
    const aborted: number[] = [];
    const bus = rig.bus({ consumerGroup: 'g', maxPollIntervalMs: 1000, abortGraceMs: 100 });
    let runs = 0;
    bus.subscribe(Placed, async ({ n }, { signal }) => {
      if (++runs > 1) return;
      await new Promise<void>((resolve) => {
        signal.addEventListener('abort', () => {
          aborted.push(n);
          resolve();
        });
      });
    });
    await bus.startConsumingInBackground();
    await rig.bus().publish(placed(1));
    await eventually(
      () => runs,
      (count) => count === 2,
    );
    expect(aborted).toEqual([0]);
    expect(bus.getStats().abandoned).toBe(1);
  });

  it('keeps what waits longer for its next attempt than maxPollIntervalMs, and counts its attempts', async () => {
    const attempts: number[] = [];
    const retry = { maxRetries: 2, baseDelayMs: 2500, maxDelayMs: 2500, jitter: 0 };
    const bus = rig.bus({ consumerGroup: 'g', maxPollIntervalMs: 1000, retry });
    bus.subscribe(Placed, (_, { attempt }) => {
      attempts.push(attempt);
      throw new Error('never');
    });
    await bus.startConsumingInBackground();
    await rig.bus().publish(placed(1));
    await eventually(
      () => bus.deadLetters.count(),
      (count) => count === 1,
    );
    expect(attempts).toEqual([1, 2, 3]);
  });

  it('counts what runs out of its time as an attempt, not as a member that hangs', async () => {
    const attempts: number[] = [];
    const retry = { maxRetries: 1, baseDelayMs: 10 };
    const bus = rig.bus({ consumerGroup: 'g', maxPollIntervalMs: 3000, abortGraceMs: 100, retry });
    const hang = (_: unknown, { attempt }: { readonly attempt: number }) => {
      attempts.push(attempt);
      return new Promise(() => undefined);
    };
    bus.subscribe(Placed, hang, { timeoutMs: 1000 });
    await bus.startConsumingInBackground();
    await rig.bus().publish(placed(1));
    await eventually(
      () => bus.deadLetters.count(),
      (count) => count === 1,
    );
    expect(attempts).toEqual([1, 2]);
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
