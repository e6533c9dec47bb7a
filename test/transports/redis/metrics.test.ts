import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import type { RedisServer } from '../../../brokers/redis-server.ts';
import { Counted, conformanceRegistry } from '../../../src/testing/counted.ts';
import { silent } from '../../../src/testing/silent-logger.ts';
import { RedisEventBus } from '../../../src/transports/redis/index.ts';
import { recordMetrics } from '../../support/recorded-telemetry.ts';
import { redisBinary, startDurableRedis } from './port.ts';

describe.skipIf(redisBinary === undefined)('metrics of a bus on Redis', () => {
  let server: RedisServer;
  beforeAll(async () => {
    server = await startDurableRedis();
  });
  afterAll(() => server.stop());

  it('count how often its leases on what runs long are renewed, and show that it is in hand', async () => {
    const { collect } = recordMetrics();
    const bus = new RedisEventBus({
      redisUrl: server.url,
      streamPrefix: 'metrics',
      consumerGroup: 'g',
      registry: conformanceRegistry,
      logger: silent,
      pendingIdleMs: 300,
    });
    onTestFinished(async () => void (await bus.shutdown()));
    let end: () => void = () => undefined;
    const running = new Promise<void>((resolve) => (end = resolve));
    let attempts = 0;
    bus.subscribe(Counted, () => {
      attempts++;
      return running;
    });
    await bus.startConsumingInBackground();
    await bus.publish(Counted({ aggregateId: 'a', n: 0, text: '' }));
    const value = async (name: string) => (await collect()).get(name)?.[0]?.value;
    await expect.poll(() => value('buschart.lease_renewals'), { timeout: 10_000 }).toBeGreaterThan(2);
    expect(await value('buschart.consumer.pending')).toBe(1);
    expect(await value('buschart.in_flight')).toBe(1);
    end();
    await expect.poll(() => value('buschart.consumer.pending'), { timeout: 10_000 }).toBe(0);
    // Nobody else, nor itself, was handed it again: each renewal counted was one.
    expect(attempts).toBe(1);
  });

  it('show what waits in the stream as lag and what is in hand as pending, once for a group', async () => {
    const { collect } = recordMetrics();
    const made = () =>
      new RedisEventBus({
        redisUrl: server.url,
        streamPrefix: 'lagging',
        consumerGroup: 'g',
        registry: conformanceRegistry,
        logger: silent,
      });
    const buses = [made(), made()];
    onTestFinished(async () => void (await Promise.all(buses.map((bus) => bus.shutdown()))));
    let end: () => void = () => undefined;
    const running = new Promise<void>((resolve) => (end = resolve));
    for (const bus of buses) {
      bus.subscribe(Counted, () => running);
      await bus.startConsumingInBackground();
    }
    const publisher = made();
    onTestFinished(async () => void (await publisher.shutdown()));
    const publish = (count: number) =>
      publisher.publish(
        Array.from({ length: count }, (_, n) => Counted({ aggregateId: `${n}`, n, text: '' })),
      );
    const values = async () => {
      const points = await collect();
      return ['lag', 'pending'].map((name) =>
        points.get(`buschart.consumer.${name}`)?.map(({ value }) => value),
      );
    };
    await publish(3);
    await expect.poll(values, { timeout: 10_000 }).toEqual([[0], [3]]);
    for (const bus of buses) bus.pause();
    // A read that was under way when they paused takes what comes first: then it is in hand.
    let published = 3;
    await expect
      .poll(
        async () => {
          await publish(1);
          published++;
          return (await publisher.getInfo()).lag;
        },
        { timeout: 10_000 },
      )
      .toBeGreaterThan(0);
    const { lag = NaN } = await publisher.getInfo();
    await publish(4);
    expect(await values()).toEqual([[lag + 4], [published - lag]]);
    for (const bus of buses) bus.resume();
    end();
    await expect.poll(values, { timeout: 10_000 }).toEqual([[0], [0]]);
  });
});
