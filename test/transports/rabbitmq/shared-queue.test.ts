import { afterEach, beforeEach, describe, expect, inject, it } from 'vitest';
import { ConfigurationError } from '../../../src/index.ts';
import type { RabbitMQEventBus } from '../../../src/transports/rabbitmq/index.ts';
import { declareTheirs, theirDeadLetterExchange } from './eventsource-py-topology.ts';
import { eventually, Placed, Rig } from './rig.ts';

const rabbitmqUrl = inject('rabbitmqUrl');

describe.skipIf(rabbitmqUrl === undefined)('a group’s queue that is shared with eventsource-py', () => {
  let rig: Rig;
  beforeEach(() => {
    rig = new Rig(rabbitmqUrl!);
  });
  afterEach(() => rig.close());

  const theirs = () => ({ exchange: rig.exchange, group: 'g' });
  const refusalOf = (bus: RabbitMQEventBus): Promise<unknown> => {
    bus.subscribe(Placed, () => undefined);
    return bus.startConsuming().then(
      () => undefined,
      (error: unknown) => error,
    );
  };

  it.each([
    ['nothing', {}, {}],
    [
      'the limits of dead letters',
      { dlqMessageTtlMs: 60_000, dlqMaxLength: 5 },
      { 'x-message-ttl': 60_000, 'x-max-length': 5 },
    ],
  ])('may be declared by either first, with %s set', async (_, ours, dlqArguments) => {
    const bus = rig.bus({ consumerGroup: 'g', queueType: 'classic', ...ours });
    bus.subscribe(Placed, () => undefined);
    await bus.startConsumingInBackground();
    await rig.raw((channel) => declareTheirs(channel, { ...theirs(), dlqArguments }));
    await bus.stopConsuming();
    await bus.startConsumingInBackground();
  });

  it('is handled by both, each message by one of them', async () => {
    await rig.raw((channel) => declareTheirs(channel, theirs()));
    const ours: number[] = [];
    const byThem: number[] = [];
    const bus = rig.bus({ consumerGroup: 'g', queueType: 'classic' });
    bus.subscribe(Placed, ({ n }) => void ours.push(n));
    await bus.startConsumingInBackground();
    await rig.raw(async (channel) => {
      await channel.prefetch(10);
      await channel.consume(rig.queue('g'), (message) => {
        byThem.push((JSON.parse(message!.content.toString()) as { n: number }).n);
        channel.ack(message!);
      });
      await bus.publish(Array.from({ length: 20 }, (__, n) => Placed({ aggregateId: 'a', n })));
      await eventually(
        () => [...ours, ...byThem].length,
        (count) => count === 20,
      );
      await channel.checkQueue(rig.queue('g'));
    });
    expect(new Set([...ours, ...byThem]).size).toBe(20);
    expect(Math.min(ours.length, byThem.length)).toBeGreaterThan(0);
  });

  it('is not taken for one with other dead letters: what differs is said, and it stays', async () => {
    const queue = rig.queue('g');
    await rig.raw(async (channel) => {
      await channel.assertExchange(theirDeadLetterExchange(rig.exchange), 'direct');
      await channel.assertQueue(queue, {
        arguments: { 'x-dead-letter-exchange': '', 'x-dead-letter-routing-key': `${queue}.dlq` },
      });
      channel.sendToQueue(queue, Buffer.from('there before'));
      await channel.checkQueue(queue);
    });
    const refusal = await refusalOf(rig.bus({ consumerGroup: 'g', queueType: 'classic' }));
    expect(refusal).toBeInstanceOf(ConfigurationError);
    expect(String(refusal)).toContain(`The queue "${queue}" is there and was declared otherwise`);
    expect(String(refusal)).toMatch(/It differs in x-dead-letter-(exchange|routing-key): asked for /);
    expect(await rig.raw((channel) => channel.checkQueue(queue))).toMatchObject({ messageCount: 1 });
  });

  it('has all of it there with declare "passive", or what is missing is named', async () => {
    const bus = () => rig.bus({ consumerGroup: 'g', queueType: 'classic', declare: 'passive' });
    const deadLetters = theirDeadLetterExchange(rig.exchange);
    await rig.raw((channel) => channel.assertExchange(rig.exchange, 'topic', { durable: true }));
    const refusal = await refusalOf(bus());
    expect(refusal).toBeInstanceOf(ConfigurationError);
    expect(String(refusal)).toContain(`The exchange "${deadLetters}" isn't there`);
    await rig.raw((channel) => declareTheirs(channel, theirs()));
    const seen: number[] = [];
    const consumer = bus();
    consumer.subscribe(Placed, ({ n }) => void seen.push(n));
    await consumer.startConsumingInBackground();
    await consumer.publish(Placed({ aggregateId: 'a', n: 1 }));
    await eventually(
      () => seen,
      ({ length }) => length === 1,
    );
  });

  it('gets back what waited for its retry at the broker', async () => {
    await rig.raw((channel) => declareTheirs(channel, theirs()));
    const attempts: number[] = [];
    const bus = rig.bus({
      consumerGroup: 'g',
      queueType: 'classic',
      ordering: 'none',
      retry: { waitIn: 'broker', baseDelayMs: 100, jitter: 0 },
    });
    bus.subscribe(Placed, (_event, { attempt }) => {
      attempts.push(attempt);
      if (attempt < 2) throw new Error('not yet');
    });
    await bus.startConsumingInBackground();
    await bus.publish(Placed({ aggregateId: 'a', n: 1 }));
    await eventually(
      () => attempts,
      ({ length }) => length === 2,
    );
    expect(attempts).toEqual([1, 2]);
    expect(await bus.deadLetters.count()).toBe(0);
  });
});
