import { afterEach, beforeEach, describe, expect, inject, it } from 'vitest';
import { z } from 'zod';
import { ConfigurationError } from '../../../src/errors.ts';
import { defineEvent, EventRegistry } from '../../../src/index.ts';
import { VirtualClock } from '../../../src/testing/clock.ts';
import type { RabbitMQEventBus } from '../../../src/transports/rabbitmq/index.ts';
import { eventually, Paid, Placed, Rig, Shipped, succeeds } from './rig.ts';

const rabbitmqUrl = inject('rabbitmqUrl');

describe.skipIf(rabbitmqUrl === undefined)('exchanges and bindings on RabbitMQ', () => {
  let rig: Rig;
  beforeEach(() => {
    rig = new Rig(rabbitmqUrl!);
  });
  afterEach(() => rig.close());

  describe.each(['topic', 'direct', 'headers'] as const)('with a %s exchange', (exchangeType) => {
    it('give a group the types that it subscribes to, and no other', async () => {
      const seen: string[] = [];
      const orders = rig.bus({ exchangeType, consumerGroup: 'orders' });
      orders.subscribe(Placed, ({ eventType, n }) => void seen.push(`orders ${eventType} ${n}`));
      const invoices = rig.bus({ exchangeType, consumerGroup: 'invoices' });
      invoices.subscribe(Paid, ({ eventType, n }) => void seen.push(`invoices ${eventType} ${n}`));
      await orders.startConsumingInBackground();
      await invoices.startConsumingInBackground();
      await orders.publish([
        Placed({ aggregateId: 'a', n: 1 }),
        Paid({ aggregateId: 'b', n: 2 }),
        Placed({ aggregateId: 'a', n: 3 }),
      ]);
      await eventually(
        () => seen,
        ({ length }) => length === 3,
      );
      expect(seen.toSorted()).toEqual(['invoices Paid 2', 'orders Placed 1', 'orders Placed 3']);
      await expect(orders.publish(Shipped({ aggregateId: 'a', n: 4 }))).rejects.toMatchObject({
        code: 'UNROUTABLE',
      });
    });

    it('give a wildcard every type', async () => {
      const seen: string[] = [];
      const bus = rig.bus({ exchangeType, consumerGroup: 'audit' });
      bus.subscribeToAllEvents(({ eventType }) => void seen.push(eventType));
      await bus.startConsumingInBackground();
      await bus.publish([
        Placed({ aggregateId: 'a', n: 1 }),
        Shipped({ aggregateId: 'a', n: 2 }),
        Paid({ aggregateId: 'b', n: 3 }),
      ]);
      await eventually(
        () => seen,
        ({ length }) => length === 3,
      );
      expect(seen.toSorted()).toEqual(['Paid', 'Placed', 'Shipped']);
    });
  });

  it('give every group everything with a fanout exchange', async () => {
    const bus = rig.bus({ exchangeType: 'fanout', consumerGroup: 'g' });
    const seen: number[] = [];
    bus.subscribe(Placed, ({ n }) => void seen.push(n));
    await bus.startConsumingInBackground();
    await bus.publish([Shipped({ aggregateId: 'a', n: 1 }), Placed({ aggregateId: 'a', n: 2 })]);
    await eventually(
      () => seen,
      ({ length }) => length === 1,
    );
    expect(seen).toEqual([2]);
  });

  it('follow subscriptions that come while consuming', async () => {
    const bus = rig.bus({ consumerGroup: 'g' });
    const seen: number[] = [];
    bus.subscribe(Placed, () => undefined);
    await bus.startConsumingInBackground();
    bus.subscribe(Shipped, ({ n }) => void seen.push(n));
    await bus.publish(Shipped({ aggregateId: 'a', n: 1 }));
    await eventually(
      () => seen,
      ({ length }) => length === 1,
    );
  });

  it('stay when a subscription goes, and go by unbind', async () => {
    const bus = rig.bus({ consumerGroup: 'g' });
    bus.subscribe(Placed, () => undefined);
    const shipped = bus.subscribe(Shipped, () => undefined);
    await bus.startConsumingInBackground();
    shipped.unsubscribe();
    await bus.publish(Shipped({ aggregateId: 'a', n: 1 }));
    await bus.unbind(Shipped);
    await expect(bus.publish(Shipped({ aggregateId: 'a', n: 2 }))).rejects.toMatchObject({
      code: 'UNROUTABLE',
    });
    await bus.publish(Placed({ aggregateId: 'a', n: 3 }));
  });

  it('come back when a type is subscribed to again after unbind', async () => {
    const bus = rig.bus({ consumerGroup: 'g' });
    const seen: number[] = [];
    bus.subscribe(Placed, () => undefined);
    const shipped = bus.subscribe(Shipped, () => undefined);
    await bus.startConsumingInBackground();
    shipped.unsubscribe();
    await bus.unbind(Shipped);
    await bus.subscribe(Shipped, ({ n }) => void seen.push(n)).ready;
    await bus.publish(Shipped({ aggregateId: 'a', n: 1 }));
    await eventually(
      () => seen,
      ({ length }) => length === 1,
    );
  });

  describe('of a group with two members', () => {
    const isRoutable = (bus: RabbitMQEventBus) => succeeds(bus.publish(Shipped({ aggregateId: 'a', n: 1 })));

    /** One of them has unbound Shipped; the other one, whose time the test gives, subscribes to Placed. */
    async function unbound(doesOtherSubscribe: boolean) {
      const clock = new VirtualClock();
      const other = rig.bus({ consumerGroup: 'g', clock });
      const shipped = other.subscribe(Shipped, () => undefined);
      other.subscribe(Placed, () => undefined);
      await other.startConsumingInBackground();
      const bus = rig.bus({ consumerGroup: 'g' });
      bus.subscribe(Paid, () => undefined);
      await bus.startConsumingInBackground();
      if (!doesOtherSubscribe) shipped.unsubscribe();
      await bus.unbind(Shipped);
      expect(await isRoutable(bus)).toBe(false);
      return { bus, clock };
    }

    it('stay away by unbind, also where the other one has once subscribed and renews its own', async () => {
      const { bus, clock } = await unbound(false);
      await rig.raw((channel) => channel.unbindQueue(rig.queue('g'), rig.exchange, 'Order.Placed'));
      // Nothing has come for half a minute.
      await clock.advance(30_000);
      await eventually(() => succeeds(bus.publish(Placed({ aggregateId: 'a', n: 2 }))), Boolean);
      expect(await isRoutable(bus)).toBe(false);
    });

    it('come back after unbind where the other one still subscribes', async () => {
      const { bus, clock } = await unbound(true);
      await clock.advance(30_000);
      await eventually(() => isRoutable(bus), Boolean);
    });
  });

  it.each([
    ['exchangeType "fanout"', { exchangeType: 'fanout' }],
    ['routingKeyPattern "Order.*"', { routingKeyPattern: 'Order.*' }],
  ] as const)(
    'do not go by unbind for one type with %s, whose only one gives the group everything',
    async (what, options) => {
      const bus = rig.bus({ consumerGroup: 'g', ...options });
      bus.subscribe([Placed, Shipped], () => undefined);
      await bus.startConsumingInBackground();
      const refused = bus.unbind(Shipped);
      await expect(refused).rejects.toThrow(ConfigurationError);
      await expect(refused).rejects.toThrow(what);
      await bus.publish(Placed({ aggregateId: 'a', n: 1 }));
      await bus.unbind('everything');
      await expect(bus.publish(Placed({ aggregateId: 'a', n: 2 }))).rejects.toMatchObject({
        code: 'UNROUTABLE',
      });
    },
  );

  it('of a wildcard on a direct exchange follow the types that are registered later', async () => {
    const registry = new EventRegistry();
    const seen: string[] = [];
    const bus = rig.bus({ exchangeType: 'direct', consumerGroup: 'audit', registry });
    bus.subscribeToAllEvents(({ eventType }) => void seen.push(eventType));
    await bus.startConsumingInBackground();
    const Late = defineEvent({ type: 'Late', aggregateType: 'Order', registry, schema: z.object({}) });
    const other = rig.bus({ exchangeType: 'direct', registry });
    await eventually(() => succeeds(other.publish(Late({ aggregateId: 'a' }))), Boolean);
    await eventually(
      () => seen,
      ({ length }) => length === 1,
    );
    expect(seen).toEqual(['Late']);
  });

  it('are the given pattern alone where there is one', async () => {
    const bus = rig.bus({ consumerGroup: 'g', routingKeyPattern: 'Invoice.*' });
    bus.subscribe(Placed, () => undefined);
    await bus.startConsumingInBackground();
    await bus.publish(Paid({ aggregateId: 'a', n: 1 }));
    await expect(bus.publish(Placed({ aggregateId: 'a', n: 2 }))).rejects.toMatchObject({
      code: 'UNROUTABLE',
    });
  });

  it('make a queue that is durable and quorum, or classic when asked for', async () => {
    for (const queueType of ['quorum', 'classic'] as const) {
      const bus = rig.bus({ consumerGroup: queueType, queueType });
      bus.subscribe(Placed, () => undefined);
      await bus.startConsumingInBackground();
      await bus.shutdown();
      const asked = { durable: true, arguments: { 'x-queue-type': queueType } };
      // Its other arguments differ from these, so this is refused, and the refusal names the first that differs.
      const refusal = await rig
        .raw((channel) => channel.assertQueue(rig.queue(queueType), asked))
        .then(String, String);
      expect(refusal).toMatch(/PRECONDITION/);
      expect(refusal).not.toMatch(queueType === 'quorum' ? /'x-queue-type'/ : /arg 'durable'/);
    }
  });

  it('leave a queue alone that is there and of another kind, and say what differs', async () => {
    const queue = rig.queue('g');
    await rig.raw(async (channel) => {
      await channel.assertQueue(queue, { durable: true, arguments: { 'x-max-length': 7 } });
      channel.sendToQueue(queue, Buffer.from('theirs'));
      await channel.checkQueue(queue);
    });
    const bus = rig.bus({ consumerGroup: 'g' });
    bus.subscribe(Placed, () => undefined);
    const refusal = await bus.startConsuming().then(
      () => undefined,
      (error: unknown) => error,
    );
    expect(refusal).toBeInstanceOf(ConfigurationError);
    const { message } = refusal as Error;
    expect(message).toContain(queue);
    expect(message).toContain('"x-queue-type":"quorum"');
    expect(message).toMatch(/RabbitMQ says: .*(x-max-length|x-queue-type|x-dead-letter)/);
    expect(message).toMatch(
      /It differs in \S+: asked for .+, there is .+; RabbitMQ tells the first difference only/,
    );
    // All that this bus asks for.
    for (const argument of [
      'x-dead-letter-routing-key',
      'x-delivery-limit',
      'x-dead-letter-strategy',
      'x-overflow',
    ])
      expect(message).toContain(`"${argument}":`);
    expect(await rig.raw((channel) => channel.checkQueue(queue))).toMatchObject({ messageCount: 1 });
  });

  it('leave an exchange alone that is there and of another kind', async () => {
    await rig.raw((channel) => channel.assertExchange(rig.exchange, 'fanout', { durable: true }));
    const bus = rig.bus({ exchangeType: 'topic' });
    await expect(bus.connect()).rejects.toThrow(ConfigurationError);
    await expect(bus.connect()).rejects.toThrow(/"type":"topic".*'fanout'/s);
  });
});
