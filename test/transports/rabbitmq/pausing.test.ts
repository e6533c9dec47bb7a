import { afterEach, beforeEach, describe, expect, inject, it } from 'vitest';
import { eventually, Placed, Rig } from './rig.ts';

const rabbitmqUrl = inject('rabbitmqUrl');

describe.skipIf(rabbitmqUrl === undefined)('a consumer that is paused while a handler runs', () => {
  let rig: Rig;
  beforeEach(() => {
    rig = new Rig(rabbitmqUrl!);
  });
  afterEach(() => rig.close());

  it('keeps its connection when it resumes, though the delivery in hand had come before', async () => {
    const runs: { readonly deliveryCount: number | undefined; readonly end: () => void }[] = [];
    const consume = async () => {
      const bus = rig.bus({ consumerGroup: 'g' });
      bus.subscribe(Placed, (_, { deliveryCount, signal }) => {
        return new Promise<void>((resolve, reject) => {
          runs.push({ deliveryCount, end: resolve });
          signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true });
        });
      });
      await bus.startConsumingInBackground();
      return bus;
    };
    const publisher = rig.bus();
    const first = await consume();
    await publisher.publish(Placed({ aggregateId: 'a', n: 1 }));
    await eventually(
      () => runs.length,
      (count) => count === 1,
    );
    await first.shutdown({ timeoutMs: 0 });
    const second = await consume();
    await eventually(
      () => runs.length,
      (count) => count === 2,
    );
    second.pause();
    // It stays in the queue once nobody consumes; what comes before that is handed out, and waits.
    await eventually(
      async () => {
        await publisher.publish(Placed({ aggregateId: 'b', n: 2 }));
        return (await rig.raw((channel) => channel.checkQueue(rig.queue('g')))).messageCount;
      },
      (count) => count > 0,
    );
    second.resume();
    await eventually(
      () => runs.length,
      (count) => count === 3,
    );
    await eventually(
      () => {
        for (const { end } of runs) end();
        return second.getStats().inFlight;
      },
      (count) => count === 0,
    );
    expect(runs.slice(0, 2).map(({ deliveryCount }) => deliveryCount)).toEqual([1, 2]);
    expect(second.getStats()).toMatchObject({ reconnections: 0, abandoned: 0 });
  });

  it('never has more than prefetchCount in hand, however often, and as much again afterwards', async () => {
    const COUNT = 60;
    const runs: { readonly n: number; readonly end: () => void }[] = [];
    let running = 0;
    let mostRunning = 0;
    let isHolding = true;
    const bus = rig.bus({ consumerGroup: 'g', prefetchCount: 5, concurrency: 5 });
    bus.subscribe(Placed, async ({ n }) => {
      mostRunning = Math.max(mostRunning, ++running);
      await new Promise<void>((end) => {
        runs.push({ n, end });
        if (!isHolding) setImmediate(end);
      });
      running--;
    });
    const begun = (count: number) =>
      eventually(
        () => runs.length,
        (length) => length === count,
      );
    let mostUnsettled = 0;
    /** Each look is a round trip over the connection that consumes: what a consumer may have has come by the last one. */
    const look = async () => {
      for (let looks = 0; looks < 5; looks++) {
        const { unsettledHere } = await bus.getQueueInfo();
        mostUnsettled = Math.max(mostUnsettled, unsettledHere);
      }
    };
    await bus.startConsumingInBackground();
    await rig.bus().publish(Array.from({ length: COUNT }, (_, n) => Placed({ aggregateId: `a${n}`, n })));
    await begun(5);
    for (let pauses = 0; pauses < 6; pauses++) {
      bus.pause();
      await look();
      bus.resume();
      await look();
    }
    expect(mostUnsettled).toBe(5);
    // What was in hand before the pauses makes room as it ends, all of it or not.
    for (const { end } of runs.slice(0, 2)) end();
    await begun(7);
    for (const { end } of runs.slice(2, 5)) end();
    await begun(10);
    await look();
    expect(running).toBe(5);
    isHolding = false;
    for (const { end } of runs.slice(5)) end();
    await begun(COUNT);
    await eventually(
      () => bus.getQueueInfo(),
      ({ unsettledHere, consumers }) => unsettledHere === 0 && consumers === 1,
    );
    await look();
    expect(runs.map(({ n }) => n).sort((a, b) => a - b)).toEqual(Array.from({ length: COUNT }, (_, n) => n));
    expect({ mostUnsettled, mostRunning }).toEqual({ mostUnsettled: 5, mostRunning: 5 });
    expect(bus.getStats()).toMatchObject({ reconnections: 0, abandoned: 0 });
  });
});
