import { afterEach, beforeEach, describe, expect, inject, it } from 'vitest';
import { VirtualClock } from '../../../src/testing/clock.ts';
import { eventually, Paid, Placed, Rig, Shipped, succeeds } from './rig.ts';

const rabbitmqUrl = inject('rabbitmqUrl');

describe.skipIf(rabbitmqUrl === undefined)('bindings to an exchange of RabbitMQ', () => {
  let rig: Rig;
  beforeEach(() => {
    rig = new Rig(rabbitmqUrl!);
  });
  afterEach(() => rig.close());

  it('come back with an exchange that was deleted, before anything is published to the new one', async () => {
    const seen: number[] = [];
    const bus = rig.bus({ consumerGroup: 'g' });
    bus.subscribe([Placed, Shipped], ({ n }) => void seen.push(n));
    const audit = bus.subscribe(Paid, () => undefined);
    await bus.startConsumingInBackground();
    audit.unsubscribe();
    await bus.unbind(Paid);
    await bus.publish(Placed({ aggregateId: 'a', n: 0 }));
    await rig.raw((channel) => channel.deleteExchange(rig.exchange));
    // Several at once: what was in flight on the channel that this costs, and what comes while another is opened.
    await Promise.all([1, 2, 3].map((n) => bus.publish(Placed({ aggregateId: 'a', n }))));
    await bus.publish(Shipped({ aggregateId: 'a', n: 4 }));
    await eventually(
      () => new Set(seen),
      ({ size }) => size === 5,
    );
    // What was unbound is not bound again.
    await expect(bus.publish(Paid({ aggregateId: 'b', n: 5 }))).rejects.toMatchObject({ code: 'UNROUTABLE' });
    expect(bus.getStats().reconnections).toBe(0);
  });

  it('come back to a bus that only consumes when another process deleted its exchange and declared it anew', async () => {
    const clock = new VirtualClock();
    const seen: number[] = [];
    const bus = rig.bus({ consumerGroup: 'g', clock });
    bus.subscribe(Placed, ({ n }) => void seen.push(n));
    await bus.startConsumingInBackground();
    await rig.raw(async (channel) => {
      await channel.deleteExchange(rig.exchange);
      await channel.assertExchange(rig.exchange, 'topic', { durable: true });
    });
    const other = rig.bus();
    await expect(other.publish(Placed({ aggregateId: 'a', n: 1 }))).rejects.toMatchObject({
      code: 'UNROUTABLE',
    });
    // Nothing has come for half a minute.
    await clock.advance(30_000);
    await eventually(() => succeeds(other.publish(Placed({ aggregateId: 'a', n: 2 }))), Boolean);
    await eventually(
      () => seen,
      ({ length }) => length === 1,
    );
    expect(seen).toEqual([2]);
    expect(bus.getStats()).toMatchObject({ reconnections: 0, abandoned: 0 });
  });

  it('are whoever’s made them when a bus that only publishes finds its exchange deleted, and declares it again', async () => {
    const queue = rig.queue('raw');
    const bus = rig.bus();
    const bind = () =>
      rig.raw(async (channel) => {
        await channel.assertQueue(queue);
        await channel.bindQueue(queue, rig.exchange, '#');
      });
    await bus.connect();
    await bind();
    await bus.publish(Placed({ aggregateId: 'a', n: 1 }));
    await rig.raw((channel) => channel.deleteExchange(rig.exchange));
    await expect(bus.publish(Placed({ aggregateId: 'a', n: 2 }))).rejects.toMatchObject({
      name: 'UnroutableError',
    });
    await bind();
    await bus.publish(Placed({ aggregateId: 'a', n: 3 }));
    expect(await rig.raw((channel) => channel.checkQueue(queue))).toMatchObject({ messageCount: 2 });
    expect(bus.getStats().reconnections).toBe(0);
  });
});
