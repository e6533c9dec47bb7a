import { afterEach, beforeEach, describe, expect, inject, it } from 'vitest';
import { ConfigurationError } from '../../../src/errors.ts';
import { eventually, Paid, Placed, Rig, Shipped } from './rig.ts';

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
    expect(await rig.raw((channel) => channel.checkQueue(queue))).toMatchObject({ messageCount: 1 });
  });

  it('leave an exchange alone that is there and of another kind', async () => {
    await rig.raw((channel) => channel.assertExchange(rig.exchange, 'fanout', { durable: true }));
    const bus = rig.bus({ exchangeType: 'topic' });
    await expect(bus.connect()).rejects.toThrow(ConfigurationError);
    await expect(bus.connect()).rejects.toThrow(/"type":"topic".*'fanout'/s);
  });
});
