import { describe, expect, inject, it, onTestFinished } from 'vitest';
import { recordMetrics } from '../../support/recorded-telemetry.ts';
import { distinct, eventually, placed, Rig } from './rig.ts';

const servers = inject('kafkaServers');
const EVENTS = 40;

describe.skipIf(servers === undefined)('metrics of a bus on Kafka', () => {
  it("count commits and rebalances, and go under eventsource-py's names too", async () => {
    const { collect } = recordMetrics();
    const rig = new Rig(servers!);
    onTestFinished(() => rig.close());
    const seen: number[] = [];
    const first = await rig.consumer(seen, { eventsourceMetrics: true });
    await first.publish(placed(EVENTS));
    const sum = async (name: string) =>
      (await collect()).get(name)?.reduce((total, { value }) => total + value, 0);
    await expect.poll(() => sum('buschart.commits'), { timeout: 15_000 }).toBeGreaterThan(0);
    await expect.poll(() => sum('kafka.eventbus.consumer.lag'), { timeout: 15_000 }).toBe(0);
    expect(seen).toHaveLength(EVENTS);
    const dealtOut = (await sum('kafka.eventbus.rebalances')) ?? 0;
    expect(dealtOut).toBeGreaterThan(0);
    expect(await sum('buschart.rebalances')).toBe(dealtOut);

    const lagging = (await collect()).get('kafka.eventbus.consumer.lag') ?? [];
    for (const { attributes } of lagging) expect(attributes['messaging.kafka.consumer_group']).toBe('g');
    expect(distinct([...(await lags(rig, collect)).keys()])).toEqual([0, 1, 2, 3]);

    // A second member takes some of its partitions. It measures under our names only.
    await rig.consumer(seen);
    await eventually(
      () => sum('kafka.eventbus.rebalances'),
      (count = 0) => count > dealtOut,
    );
    await eventually(
      () => sum('buschart.rebalances'),
      (count = 0) => count > dealtOut + 1,
    );

    const points = await collect();
    for (const name of ['messages.published', 'messages.consumed', 'handler.invocations', 'handler.duration'])
      expect([name, await sum(`kafka.eventbus.${name}`)]).toEqual([name, EVENTS]);
    expect(points.get('kafka.eventbus.connections.active')?.[0]).toMatchObject({ value: 1 });
    expect(points.get('kafka.eventbus.rebalances')?.[0]?.attributes).toEqual({
      'messaging.kafka.consumer_group': 'g',
    });
    expect(points.get('kafka.eventbus.messages.published')?.[0]?.attributes).toEqual({
      'messaging.system': 'kafka',
      'messaging.destination': rig.topic,
      'event.type': 'Placed',
    });
  });

  it('show what is behind the commits as lag, once for the group, and add up what each member has in hand', async () => {
    const { collect } = recordMetrics();
    const rig = new Rig(servers!);
    onTestFinished(() => rig.close());
    let end: () => void = () => undefined;
    const running = new Promise<void>((resolve) => (end = resolve));
    const seen: number[] = [];
    const members = [
      await rig.consumer(seen, { eventsourceMetrics: true }, () => running),
      await rig.consumer(seen, { eventsourceMetrics: true }, () => running),
    ];
    const points = async (name: string) => (await collect()).get(name) ?? [];
    const values = async () => [
      (await points('buschart.consumer.lag')).map(({ value }) => value),
      (await points('buschart.consumer.pending')).map(({ value }) => value),
    ];
    await rig.bus().publish(placed(EVENTS));
    // Both members have some of it.
    const held = () => Promise.all(members.map(async (bus) => (await bus.getInfo()).pendingMessages));
    await eventually(held, ([one = 0, other = 0]) => one > 0 && other > 0 && one + other === EVENTS);
    expect(await values()).toEqual([[EVENTS], [EVENTS]]);
    for (const bus of members) bus.pause();
    await rig.bus().publish(placed(10, 20, EVENTS));
    expect(await values()).toEqual([[EVENTS + 10], [EVENTS]]);
    for (const bus of members)
      expect(await bus.getInfo()).toMatchObject({ lag: EVENTS + 10, pendingOf: 'connection' });

    for (const bus of members) bus.resume();
    end();
    await expect.poll(values, { timeout: 15_000 }).toEqual([[0], [0]]);
  });

  it('tell the lag of the partitions that the member has, and of no other', async () => {
    const { collect } = recordMetrics();
    const rig = new Rig(servers!);
    onTestFinished(() => rig.close());
    let end: () => void = () => undefined;
    const running = new Promise<void>((resolve) => (end = resolve));
    const measured = await rig.consumer([], { eventsourceMetrics: true }, () => running);
    const other = await rig.consumer([], {}, () => running);
    await rig.bus().publish(placed(EVENTS));
    const held = () =>
      Promise.all([measured, other].map(async (bus) => (await bus.getInfo()).pendingMessages));
    const [own = 0] = await eventually(
      held,
      ([one = 0, two = 0]) => one > 0 && two > 0 && one + two === EVENTS,
    );

    const told = await lags(rig, collect);
    expect(told.size).toBe(2);
    expect([...told.values()].reduce((sum, lag) => sum + lag, 0)).toBe(own);
    const { partitions } = await measured.getTopicInfo();
    for (const { partition, lag } of partitions.filter(({ topic }) => topic === rig.topic))
      expect([undefined, lag]).toContain(told.get(partition));

    end();
    await other.shutdown();
    const all = await eventually(
      () => lags(rig, collect),
      ({ size }) => size > 2,
    );
    expect(distinct([...all.keys()])).toEqual([0, 1, 2, 3]);
  });
});

/** By partition, under eventsource-py's name; the group's topic of replays has a lag of its own. */
async function lags(
  { topic }: Rig,
  collect: ReturnType<typeof recordMetrics>['collect'],
): Promise<ReadonlyMap<number, number>> {
  const points = (await collect()).get('kafka.eventbus.consumer.lag') ?? [];
  return new Map(
    points
      .filter(({ attributes }) => attributes['messaging.destination'] === topic)
      .map(({ attributes, value }) => [attributes['messaging.kafka.partition'] as number, value]),
  );
}
