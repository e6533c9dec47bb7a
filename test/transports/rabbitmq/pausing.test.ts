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
});
