import type { Channel } from 'amqplib';
import { afterEach, beforeEach, describe, expect, inject, it } from 'vitest';
import type { RabbitMQEventBusOptions } from '../../../src/transports/rabbitmq/index.ts';
import { eventually, Placed, Rig } from './rig.ts';

const rabbitmqUrl = inject('rabbitmqUrl');

describe.skipIf(rabbitmqUrl === undefined)('a message that RabbitMQ dead-lettered itself', () => {
  let rig: Rig;
  beforeEach(() => {
    rig = new Rig(rabbitmqUrl!);
  });
  afterEach(() => rig.close());

  /** A group whose queue nobody consumes; `die` has the one message there dead-lettered. */
  async function died(
    options: RabbitMQEventBusOptions,
    die: (channel: Channel, queue: string) => Promise<void>,
  ) {
    const seen: number[] = [];
    const bus = rig.bus({ consumerGroup: 'g', ...options });
    bus.subscribe(Placed, ({ n }) => void seen.push(n));
    await bus.startConsumingInBackground();
    await bus.stopConsuming();
    const event = Placed({ aggregateId: 'a', n: 1 });
    await bus.publish(event);
    await eventually(
      () => rig.raw((channel) => channel.checkQueue(rig.queue('g'))),
      ({ messageCount }) => messageCount === 1,
    );
    await rig.raw((channel) => die(channel, rig.queue('g')));
    const [letter] = await eventually(
      () => bus.deadLetters.list(),
      ({ length }) => length === 1,
    );
    return { bus, seen, event, letter: letter! };
  }

  const take = async (channel: Channel, queue: string) => {
    const message = await channel.get(queue);
    if (message === false) throw new Error('Nothing waits there.');
    return message;
  };

  /** Puts it there once more, to live for a millisecond. */
  const expire = async (channel: Channel, queue: string) => {
    const message = await take(channel, queue);
    channel.sendToQueue(queue, message.content, { ...message.properties, expiration: '1' });
    channel.ack(message);
  };

  it.each([
    [
      'because an operator rejected it',
      'rejected-by-broker',
      'rejected',
      {},
      async (channel: Channel, queue: string) => channel.reject(await take(channel, queue), false),
    ],
    [
      'because it came too often',
      'too-many-deliveries',
      'delivery_limit',
      { maxDeliveries: 1 },
      async (channel: Channel, queue: string) => {
        for (let delivery = 0; delivery < 12; delivery++) {
          const message = await eventually(
            () => channel.get(queue),
            (got) => got !== false,
          );
          channel.reject(message as never, true);
        }
      },
    ],
    ['because its time was up', 'expired', 'expired', {}, expire],
  ] as const)('%s is listed as %s, and can be replayed', async (_, reason, theirs, options, die) => {
    const { bus, seen, event, letter } = await died(options, die);
    expect(letter).toMatchObject({
      reason,
      eventId: event.eventId,
      eventType: 'Placed',
      aggregateId: 'a',
      group: 'g',
      destination: rig.queue('g'),
      attempts: 0,
    });
    expect(letter.error.message).toContain(theirs);
    expect(Math.abs(letter.lastFailedAt.getTime() - Date.now())).toBeLessThan(60_000);
    expect(await bus.deadLetters.count({ reason })).toBe(1);
    expect(await bus.deadLetters.replay(letter.id)).toBe(true);
    await bus.startConsumingInBackground();
    await eventually(
      () => seen,
      ({ length }) => length > 0,
    );
    await bus.idle();
    expect(await bus.deadLetters.count()).toBe(0);
  });
});
