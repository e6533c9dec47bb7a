import type { GetMessage, Options } from 'amqplib';
import { afterEach, beforeEach, describe, expect, inject, it } from 'vitest';
import { NonRetryableError } from '../../../src/index.ts';
import type { RabbitMQEventBusOptions } from '../../../src/transports/rabbitmq/index.ts';
import { placedBody } from '../../support/wire/placed.ts';
import { deadLetterAsTheirs, declareTheirs } from './eventsource-py-topology.ts';
import { eventually, Placed, Rig } from './rig.ts';

const rabbitmqUrl = inject('rabbitmqUrl');

/** As eventsource-py writes it. */
function written(n: number): { body: string; properties: Options.Publish & { messageId: string } } {
  const event = Placed({ aggregateId: 'a', n });
  return {
    body: JSON.stringify(placedBody(event)),
    properties: {
      contentType: 'application/json',
      contentEncoding: 'utf-8',
      messageId: event.eventId,
      headers: {
        event_type: 'Placed',
        aggregate_type: 'Order',
        aggregate_id: 'a',
        aggregate_version: 1,
        'x-retry-count': 0,
        correlation_id: event.correlationId,
      },
    },
  };
}

describe.skipIf(rabbitmqUrl === undefined)('dead letters of a queue shared with eventsource-py', () => {
  let rig: Rig;
  beforeEach(() => {
    rig = new Rig(rabbitmqUrl!);
  });
  afterEach(() => rig.close());

  const theirs = () => ({ exchange: rig.exchange, group: 'g' });
  const dlq = () => `${rig.queue('g')}.dlq`;
  const messagesIn = async (queue: string) =>
    (await rig.raw((channel) => channel.checkQueue(queue))).messageCount;
  const holds = (queue: string, count: number) =>
    eventually(
      () => messagesIn(queue),
      (messages) => messages === count,
    );

  async function sharing(options: RabbitMQEventBusOptions = {}) {
    const handled: number[] = [];
    const state = { isMended: false };
    const bus = rig.bus({ consumerGroup: 'g', queueType: 'classic', ...options });
    bus.subscribe(Placed, ({ n }) => {
      if (!state.isMended) throw new NonRetryableError(`no ${n}`);
      handled.push(n);
    });
    await bus.startConsumingInBackground();
    return { bus, handled, state };
  }

  /** Of each kind: 1 theirs, 2 RabbitMQ's, 3 ours. */
  async function ofEachKind() {
    await rig.raw((channel) => declareTheirs(channel, theirs()));
    const one = written(1);
    await rig.raw(async (channel) => {
      deadLetterAsTheirs(channel, theirs(), one);
      const { body, properties } = written(2);
      channel.sendToQueue(rig.queue('g'), Buffer.from(body), properties);
      const two = await eventually(() => channel.get(rig.queue('g')), Boolean);
      channel.reject(two as GetMessage, false);
      await channel.checkQueue(dlq());
    });
    await holds(dlq(), 2);
    const all = await sharing();
    await all.bus.publish(Placed({ aggregateId: 'a', n: 3 }));
    await eventually(
      () => all.bus.deadLetters.count(),
      (count) => count === 3,
    );
    all.state.isMended = true;
    return { ...all, one };
  }

  it('are counted and listed with ours, whoever put them there', async () => {
    const { bus, one } = await ofEachKind();
    const letters = await bus.deadLetters.list();
    expect(letters[0]).toMatchObject({
      eventId: one.properties.messageId,
      eventType: 'Placed',
      aggregateId: 'a',
      group: 'g',
      reason: 'attempts-exhausted',
      error: { name: 'ValueError', message: 'no stock' },
      attempts: 4,
      destination: 'Order.Placed',
      position: one.properties.messageId,
      firstFailedAt: new Date('2026-01-02T03:05:00.123Z'),
      lastFailedAt: new Date('2026-01-02T03:05:00.123Z'),
      headers: {},
      replayCount: 0,
    });
    expect(Buffer.from(letters[0]!.body).toString()).toBe(one.body);
    expect(letters.slice(1)).toMatchObject([
      { group: 'g', reason: 'rejected-by-broker', destination: rig.queue('g') },
      { group: 'g', reason: 'not-retryable', error: { message: 'no 3' } },
    ]);
    const [first] = await bus.deadLetters.list({ limit: 1 });
    expect(await bus.deadLetters.list({ after: first!.cursor })).toEqual(letters.slice(1));
    expect(await bus.deadLetters.count({ until: new Date('2026-01-03T00:00:00Z') })).toBe(1);
    expect(await messagesIn(dlq())).toBe(3);
  });

  it('are replayed to the group and handled, each once', async () => {
    const { bus, handled } = await ofEachKind();
    const [first] = await bus.deadLetters.list();
    expect(await bus.deadLetters.replay(first!.id)).toBe(true);
    await eventually(
      () => handled,
      ({ length }) => length === 1,
    );
    expect(await bus.deadLetters.replayAll()).toEqual({ matched: 2, replayed: 2, failed: [] });
    await eventually(
      () => handled,
      ({ length }) => length === 3,
    );
    expect(handled).toEqual([1, 2, 3]);
    expect(await bus.deadLetters.count()).toBe(0);
  });

  it('are purged', async () => {
    const { bus } = await ofEachKind();
    expect(await bus.deadLetters.purge({ reason: 'attempts-exhausted' })).toBe(1);
    expect(await bus.deadLetters.purge()).toBe(2);
    await holds(dlq(), 0);
  });

  it('lose the names of eventsource-py when they are replayed, and keep all else of the message', async () => {
    await rig.raw((channel) => declareTheirs(channel, theirs()));
    const { body, properties } = written(1);
    const headers = { ...(properties.headers as object), traceparent: 't' };
    await rig.raw(async (channel) => {
      deadLetterAsTheirs(channel, theirs(), { body, properties: { ...properties, headers } });
      await channel.checkQueue(dlq());
    });
    const admin = rig.bus({ consumerGroup: 'g' });
    const [letter] = await eventually(
      () => admin.deadLetters.list(),
      ({ length }) => length === 1,
    );
    expect(await admin.deadLetters.replay(letter!.id)).toBe(true);
    const replayed = (await rig.raw((channel) => channel.get(rig.queue('g')))) as GetMessage;
    expect(replayed.content.toString()).toBe(body);
    expect(replayed.properties).toMatchObject({
      messageId: properties.messageId,
      contentType: 'application/json',
      contentEncoding: 'utf-8',
    });
    expect(replayed.properties.headers).toEqual({
      ...headers,
      'x-original-destination': 'Order.Placed',
      'x-original-position': properties.messageId,
      'x-original-traceparent': 't',
      'x-replay-count': '1',
    });
  });

  it('say what it says: not how they died before, nor a group that their user means', async () => {
    await rig.raw((channel) => declareTheirs(channel, theirs()));
    const { body, properties } = written(1);
    const death = { queue: rig.queue('g'), reason: 'rejected', count: 1, exchange: rig.exchange };
    const headers = { ...(properties.headers as object), 'x-group': 'vip', 'x-death': [death] };
    await rig.raw(async (channel) => {
      deadLetterAsTheirs(channel, theirs(), { body, properties: { ...properties, headers } });
      await channel.checkQueue(dlq());
    });
    const admin = rig.bus({ consumerGroup: 'g' });
    const letters = await eventually(
      () => admin.deadLetters.list(),
      ({ length }) => length === 1,
    );
    expect(letters).toMatchObject([
      { reason: 'attempts-exhausted', error: { message: 'no stock' }, group: 'g' },
    ]);
    expect(await admin.deadLetters.replay(letters[0]!.id)).toBe(true);
    await holds(rig.queue('g'), 1);
  });

  it('are told apart when one event failed with it twice', async () => {
    await rig.raw((channel) => declareTheirs(channel, theirs()));
    const letter = written(1);
    await rig.raw(async (channel) => {
      for (const second of [1, 2])
        deadLetterAsTheirs(channel, theirs(), {
          ...letter,
          error: `no ${second}`,
          at: `2026-01-02T03:05:0${second}+00:00`,
        });
      await channel.checkQueue(dlq());
    });
    const admin = rig.bus({ consumerGroup: 'g' });
    const [first, second] = await eventually(
      () => admin.deadLetters.list(),
      ({ length }) => length === 2,
    );
    expect(await admin.deadLetters.list({ after: first!.cursor })).toEqual([second]);
    await admin.deadLetters.replay(second!.id);
    expect(await admin.deadLetters.list()).toEqual([first]);
  });

  it('are found when RabbitMQ made them after somebody deleted their queue and ours was made again', async () => {
    const { bus } = await sharing();
    await rig.raw((channel) => channel.deleteQueue(dlq()));
    await bus.publish(Placed({ aggregateId: 'a', n: 1 }));
    await eventually(
      () => bus.deadLetters.count(),
      (count) => count === 1,
    );
    await bus.stopConsuming();
    await bus.publish(Placed({ aggregateId: 'a', n: 2 }));
    await holds(rig.queue('g'), 1);
    await rig.raw(async (channel) => {
      channel.reject((await channel.get(rig.queue('g'))) as GetMessage, false);
      await channel.checkQueue(dlq());
    });
    const letters = await eventually(
      () => bus.deadLetters.list(),
      ({ length }) => length === 2,
    );
    expect(letters.map(({ reason }) => reason)).toEqual(['not-retryable', 'rejected-by-broker']);
  });
});
