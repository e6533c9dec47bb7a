import { afterEach, beforeEach, describe, expect, inject, it } from 'vitest';
import { UnroutableError } from '../../../src/index.ts';
import { Link } from '../../../src/transports/rabbitmq/link.ts';
import { loadDriver, type RabbitDriver } from '../../../src/transports/rabbitmq/load-driver.ts';
import { parseRabbitOptions } from '../../../src/transports/rabbitmq/options.ts';
import { ConfirmedPublisher } from '../../../src/transports/rabbitmq/publisher.ts';
import { eventually, Paid, Placed, Rig } from './rig.ts';

const rabbitmqUrl = inject('rabbitmqUrl');

describe.skipIf(rabbitmqUrl === undefined)('publishing to RabbitMQ', () => {
  let rig: Rig;
  beforeEach(() => {
    rig = new Rig(rabbitmqUrl!);
  });
  afterEach(() => rig.close());

  it('rejects what no queue is bound for, and says of which event and what to do', async () => {
    const bus = rig.bus();
    const lost = Placed({ aggregateId: 'a', n: 1 });
    const refusal = await bus.publish(lost).then(
      () => undefined,
      (error: unknown) => error,
    );
    expect(refusal).toBeInstanceOf(UnroutableError);
    const { message } = refusal as Error;
    expect(message).toContain('Order.Placed');
    expect(message).toContain(lost.eventId);
    expect(message).toMatch(/onUnroutable|subscribe|bind/);
  });

  it('warns once a routing key, and counts each event, where that is asked for', async () => {
    const lines: string[] = [];
    const note = (first: unknown, second?: unknown) => void lines.push(String(second ?? first));
    const quiet = () => undefined;
    const logger = { trace: quiet, debug: quiet, info: quiet, warn: note, error: note };
    const bus = rig.bus({ onUnroutable: 'warn', logger });
    await bus.publish([1, 2, 3].map((n) => Placed({ aggregateId: 'a', n })));
    await bus.publish(Paid({ aggregateId: 'b', n: 4 }));
    expect(bus.getStats().eventsUnroutable).toBe(4);
    expect(lines.filter((line) => line.includes('Order.Placed'))).toHaveLength(1);
    expect(lines.filter((line) => line.includes('Invoice.Paid'))).toHaveLength(1);
  });

  it('stores what a bus publishes before its group consumes, once the group was there', async () => {
    const seen: number[] = [];
    const first = rig.bus({ consumerGroup: 'g' });
    first.subscribe(Placed, () => undefined);
    await first.startConsumingInBackground();
    await first.shutdown();
    await rig.bus().publish([1, 2].map((n) => Placed({ aggregateId: 'a', n })));
    const second = rig.bus({ consumerGroup: 'g' });
    second.subscribe(Placed, ({ n }) => void seen.push(n));
    await second.startConsumingInBackground();
    await eventually(
      () => seen,
      ({ length }) => length === 2,
    );
    expect(seen).toEqual([1, 2]);
  });

  it(
    'keeps the order of more than may be unconfirmed at once, and loses nothing',
    { timeout: 30_000 },
    async () => {
      const seen: number[] = [];
      const bus = rig.bus({ consumerGroup: 'g' });
      bus.subscribe(Placed, ({ n }) => void seen.push(n));
      await bus.startConsumingInBackground();
      const publishes: Promise<void>[] = [];
      for (let list = 0; list < 50; list++) {
        const numbers = Array.from({ length: 100 }, (_, at) => list * 100 + at);
        publishes.push(bus.publish(numbers.map((n) => Placed({ aggregateId: 'one', n }))));
      }
      await Promise.all(publishes);
      await eventually(
        () => seen.length,
        (count) => count === 5000,
        20_000,
      );
      expect(seen).toEqual(Array.from({ length: 5000 }, (_, n) => n));
    },
  );

  it('sends nothing between the driver’s word that its buffer is full and the one that it is empty', async () => {
    const told: string[] = [];
    const driver = await loadDriver();
    const watched: RabbitDriver = {
      connect: async (url, options) => {
        const model = await driver.connect(url, options);
        const create = model.createConfirmChannel.bind(model);
        model.createConfirmChannel = async () => {
          const channel = await create();
          const publish = channel.publish.bind(channel);
          channel.publish = (...args) => {
            const hasRoom = publish(...args);
            told.push(hasRoom ? 'sent' : 'sent, full');
            return hasRoom;
          };
          channel.on('drain', () => told.push('empty'));
          return channel;
        };
        return model;
      },
    };
    const link = await Link.open(watched, parseRabbitOptions({ rabbitmqUrl: rabbitmqUrl! }), {
      role: 'test',
      signal: AbortSignal.timeout(10_000),
      wasOpen: false,
    });
    const queue = rig.queue('raw');
    await rig.raw((channel) => channel.assertQueue(queue));
    const publisher = new ConfirmedPublisher(link, () => Promise.resolve());
    // Of some kilobytes of headers, a message is three pieces to the driver, whose buffer is full at some two thousand.
    const properties = { headers: { long: 'x'.repeat(2100) } };
    const content = Buffer.from('x');
    const sent = Array.from({ length: 1500 }, () =>
      publisher.sendOne({ exchange: '', routingKey: queue, content, properties }),
    );
    expect(new Set(await Promise.all(sent))).toEqual(new Set(['stored']));
    await link.close();
    expect(told.filter((what) => what.startsWith('sent'))).toHaveLength(1500);
    const afterFull = told.filter((_, at) => told[at - 1] === 'sent, full');
    expect(afterFull.length).toBeGreaterThan(0);
    expect(new Set(afterFull)).toEqual(new Set(['empty']));
  });

  it('writes what eventsource-py reads: properties, headers and body', async () => {
    const queue = rig.queue('raw');
    const bus = rig.bus({ exchangeType: 'topic' });
    await bus.connect();
    await rig.raw(async (channel) => {
      await channel.assertQueue(queue);
      await channel.bindQueue(queue, rig.exchange, '#');
    });
    const event = Placed({ aggregateId: 'order-1', n: 5, tenantId: 'acme' } as never);
    await bus.publish(event);
    const message = await rig.raw((channel) => channel.get(queue, { noAck: true }));
    if (message === false) throw new Error('Nothing came');
    expect(message.fields.routingKey).toBe('Order.Placed');
    expect(message.properties).toMatchObject({
      messageId: event.eventId,
      contentType: 'application/json',
      deliveryMode: 2,
    });
    expect(message.properties.headers).toMatchObject({
      event_type: 'Placed',
      aggregate_type: 'Order',
      aggregate_id: 'order-1',
    });
    expect(JSON.parse(message.content.toString('utf8'))).toMatchObject({
      event_id: event.eventId,
      event_type: 'Placed',
      aggregate_id: 'order-1',
      n: 5,
    });
  });
});
