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
    const first = await consume();
    await first.publish(Placed({ aggregateId: 'a', n: 1 }));
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
    await eventually(
      () => rig.raw((channel) => channel.checkQueue(rig.queue('g'))),
      ({ consumerCount }) => consumerCount === 0,
    );
    second.resume();
    await eventually(
      () => rig.raw((channel) => channel.checkQueue(rig.queue('g'))),
      ({ consumerCount }) => consumerCount === 1,
    );
    await second.publish(Placed({ aggregateId: 'b', n: 2 }));
    await eventually(
      () => runs.length,
      (count) => count === 3,
    );
    for (const { end } of runs) end();
    await second.idle();
    expect(runs.map(({ deliveryCount }) => deliveryCount)).toEqual([1, 2, 1]);
    expect(second.getStats()).toMatchObject({ reconnections: 0, abandoned: 0 });
  });
});
