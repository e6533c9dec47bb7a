import { describe, expect, inject, it, onTestFinished } from 'vitest';
import { recordMetrics } from '../../support/recorded-telemetry.ts';
import { Placed, Rig } from './rig.ts';

const url = inject('rabbitmqUrl');

describe.skipIf(url === undefined)('metrics of buses on RabbitMQ', () => {
  it('show what is ready in the queue as lag, once, and add up what each has in hand', async () => {
    const { collect } = recordMetrics();
    const rig = new Rig(url!);
    onTestFinished(() => rig.close());
    let end: () => void = () => undefined;
    const running = new Promise<void>((resolve) => (end = resolve));
    const buses = [2, 3].map((prefetchCount) => rig.bus({ consumerGroup: 'g', prefetchCount }));
    for (const bus of buses) {
      bus.subscribe(Placed, () => running);
      await bus.startConsumingInBackground();
    }
    const events = Array.from({ length: 12 }, (_, n) => Placed({ aggregateId: `order-${n}`, n }));
    await rig.bus().publish(events);
    const values = async () => {
      const points = await collect();
      return ['lag', 'pending'].map((name) =>
        points.get(`buschart.consumer.${name}`)?.map(({ value }) => value),
      );
    };
    await expect.poll(values, { timeout: 10_000 }).toEqual([[12 - 5], [2 + 3]]);
    const infos = await Promise.all(buses.map((bus) => bus.getInfo()));
    expect(infos.map(({ lag, pendingMessages }) => [lag, pendingMessages])).toEqual([
      [7, 2],
      [7, 3],
    ]);
    expect(infos.map(({ pendingOf }) => pendingOf)).toEqual(['connection', 'connection']);
    const [oldest] = (await collect()).get('buschart.consumer.oldest_pending.age') ?? [];
    expect(oldest?.value).toBeGreaterThanOrEqual(0);
    expect(oldest?.value).toBeLessThan(60);
    end();
    await expect.poll(values, { timeout: 10_000 }).toEqual([[0], [0]]);
  });
});
