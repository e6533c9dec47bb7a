import { afterEach, beforeEach, describe, expect, inject, it } from 'vitest';
import type { FaultProxy } from '../../../src/testing/proxy.ts';
import { urlBy } from '../../support/ways.ts';
import { eventually, Placed, Rig } from './rig.ts';

const rabbitmqUrl = inject('rabbitmqUrl');

interface Run {
  readonly n: number;
  readonly deliveryCount: number | undefined;
  readonly signal: AbortSignal;
  readonly end: () => void;
}

describe.skipIf(rabbitmqUrl === undefined)('a delivery whose connection was cut', () => {
  let rig: Rig;
  let proxy: FaultProxy;
  beforeEach(async () => {
    rig = new Rig(rabbitmqUrl!);
    proxy = await rig.proxy();
  });
  afterEach(() => rig.close());

  const waiting = async () => (await rig.raw((channel) => channel.checkQueue(rig.queue('g')))).messageCount;

  /** Two deliveries in hand, of tags 1 and 2 as their successors will be; then a cut, and connected again. */
  async function cutMidHandler() {
    const url = urlBy(rabbitmqUrl!, proxy);
    const runs: Run[] = [];
    const endedSources: unknown[] = [];
    const bus = rig.bus({
      consumerGroup: 'g',
      rabbitmqUrl: url,
      inspect: (seen) => {
        if (seen.type === '@xstate.event' && seen.event.type === 'source.ended')
          endedSources.push(seen.event);
      },
    });
    bus.subscribe(Placed, ({ n }, { deliveryCount, signal }) => {
      return new Promise<void>((resolve) => {
        runs.push({ n, deliveryCount, signal, end: resolve });
      });
    });
    await bus.startConsumingInBackground();
    await bus.publish([1, 2].map((n) => Placed({ aggregateId: `a${n}`, n })));
    const first = await eventually(
      () => [...runs],
      ({ length }) => length === 2,
    );
    proxy.set('rst');
    await eventually(
      () => first,
      (lost) => lost.every(({ signal }) => signal.aborted),
    );
    proxy.heal();
    await bus.waitFor('consuming');
    await eventually(
      () => bus.getQueueInfo(),
      ({ unsettledHere }) => unsettledHere === 2,
    );
    expect(bus.getStats().reconnections).toBe(1);
    // The cut ends the source once; what ends it after that is an error of the new channel.
    endedSources.splice(0);
    return { bus, runs, first, endedSources };
  }

  const secondOf = (runs: readonly Run[]) =>
    eventually(
      () => runs.slice(2),
      ({ length }) => length === 2,
    );

  it('comes again and is handled once more, though its first handler ended well after the cut', async () => {
    const { bus, runs, first, endedSources } = await cutMidHandler();
    for (const { end } of first) end();
    const second = await secondOf(runs);
    expect(new Set(second.map(({ n }) => n))).toEqual(new Set([1, 2]));
    for (const { deliveryCount } of second) expect(deliveryCount).toBeGreaterThan(1);
    for (const { end } of second) end();
    // It goes on over the channel that took the acknowledgements: an error of it would have ended the source.
    await bus.publish(Placed({ aggregateId: 'a3', n: 3 }));
    const third = await eventually(
      () => runs[4],
      (run) => run !== undefined,
    );
    expect(third).toMatchObject({ n: 3, deliveryCount: 1 });
    third?.end();
    await bus.idle();
    expect(endedSources).toEqual([]);
    expect(await bus.deadLetters.count()).toBe(0);
    await bus.shutdown();
    expect(runs).toHaveLength(5);
    expect(await waiting()).toBe(0);
  });

  it('is not settled by its first handler: until the second one ends it stays in the queue', async () => {
    const { bus, runs, first, endedSources } = await cutMidHandler();
    for (const { end } of first) end();
    await secondOf(runs);
    await bus.publish(Placed({ aggregateId: 'a3', n: 3 }));
    await eventually(
      () => runs,
      ({ length }) => length === 5,
    );
    expect(endedSources).toEqual([]);
    expect(await bus.getQueueInfo()).toMatchObject({ unsettledHere: 3, ready: 0 });
    // Closing the channel comes after every acknowledgement that was sent, and gives back the others.
    await bus.shutdown({ timeoutMs: 1 });
    expect(await eventually(waiting, (count) => count === 3)).toBe(3);
  });
});
