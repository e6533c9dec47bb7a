import { readFileSync } from 'node:fs';
import type { GetMessage, Options } from 'amqplib';
import { afterEach, beforeEach, describe, expect, inject, it } from 'vitest';
import { z } from 'zod';
import { defineEvent, EventRegistry, type DomainEvent } from '../../../src/index.ts';
import type { RabbitMQEventBusOptions } from '../../../src/transports/rabbitmq/index.ts';
import { declareTheirs } from './eventsource-py-topology.ts';
import { eventually, Rig } from './rig.ts';

interface Recorded {
  readonly exchange: string;
  readonly routing_key: string;
  readonly body: string;
  readonly headers: Readonly<Record<string, string | number>>;
  readonly header_types: Readonly<Record<string, 'str' | 'int'>>;
  readonly content_type: string;
  readonly content_encoding: string;
  readonly delivery_mode: number;
  readonly message_id: string;
  readonly timestamp: string;
}

/** What eventsource-py 0.14.0 left on a real RabbitMQ. */
const file = readFileSync(new URL('../../support/wire/eventsource-py.json', import.meta.url), 'utf8');
const recorded = (JSON.parse(file) as { rabbitmq: { messages: Recorded[] } }).rabbitmq.messages;

const registry = new EventRegistry();
const OrderCreated = defineEvent({
  type: 'OrderCreated',
  aggregateType: 'Order',
  registry,
  schema: z.object({
    customer_id: z.string(),
    total: z.number(),
    lines: z.array(z.object({ sku: z.string(), qty: z.number() })),
  }),
});

const uuid = (last: number): string => `00000000-0000-0000-0000-00000000000${last}`;
const AS_EVENTS = [
  {
    eventId: uuid(1),
    eventType: 'OrderCreated',
    eventVersion: 1,
    // A Date keeps no microseconds.
    occurredAt: new Date('2026-01-02T03:04:05.678Z'),
    aggregateId: uuid(2),
    aggregateType: 'Order',
    aggregateVersion: 3,
    tenantId: uuid(4),
    actorId: 'alice',
    correlationId: uuid(5),
    causationId: uuid(6),
    metadata: { k: { a: [1, null] } },
    customer_id: 'naïve ✓',
    total: 1.5,
    lines: [{ sku: 'x', qty: 2 }],
  },
  {
    eventId: uuid(7),
    eventType: 'OrderCreated',
    eventVersion: 1,
    occurredAt: new Date('2026-01-02T03:04:05Z'),
    aggregateId: uuid(2),
    aggregateType: 'Order',
    aggregateVersion: 4,
    correlationId: uuid(8),
    metadata: {},
    customer_id: 'c',
    total: 0,
    lines: [],
  },
];

/** AMQP has several integers, and drivers differ in which they write. */
const INTEGERS = ['int8', 'int16', 'int32', 'int64', 'uint32'] as const;

function propertiesOf(message: Recorded, integer: (typeof INTEGERS)[number]): Options.Publish {
  const headers = Object.entries(message.headers).map(([name, value]) => [
    name,
    message.header_types[name] === 'int' ? { '!': integer, value } : value,
  ]);
  return {
    contentType: message.content_type,
    contentEncoding: message.content_encoding,
    deliveryMode: message.delivery_mode,
    messageId: message.message_id,
    timestamp: Date.parse(message.timestamp) / 1000,
    headers: Object.fromEntries(headers) as Record<string, unknown>,
  };
}

/** As the recording spells it. */
function recordOf({ fields, properties, content }: GetMessage) {
  const { contentType, contentEncoding, deliveryMode, messageId, timestamp, headers = {} } = properties;
  const types = Object.entries(headers).map(([name, value]) => [
    name,
    typeof value === 'string' ? 'str' : Number.isInteger(value) ? 'int' : typeof value,
  ]);
  return {
    exchange: fields.exchange,
    routing_key: fields.routingKey,
    body: content.toString('utf8'),
    headers: { ...headers },
    header_types: Object.fromEntries(types) as unknown,
    content_type: contentType as unknown,
    content_encoding: contentEncoding as unknown,
    delivery_mode: deliveryMode as unknown,
    message_id: messageId as unknown,
    timestamp: timestamp as unknown,
  };
}

/** The one addition is a header for the actor, which the original has in the body alone. */
function asWritten(message: Recorded, exchange: string) {
  const { actor_id: actor } = JSON.parse(message.body) as { actor_id: string | null };
  return {
    ...message,
    exchange,
    // JavaScript has one spelling of the float 0.0 and keeps no microseconds.
    body: message.body.replace('"total":0.0', '"total":0').replace('05.678901', '05.678000'),
    headers: { ...message.headers, ...(actor !== null && { actor_id: actor }) },
    header_types: { ...message.header_types, ...(actor !== null && { actor_id: 'str' }) },
    timestamp: Date.parse(message.timestamp) / 1000,
  };
}

const rabbitmqUrl = inject('rabbitmqUrl');

describe.skipIf(rabbitmqUrl === undefined)('the messages of eventsource-py on RabbitMQ', () => {
  let rig: Rig;
  beforeEach(() => {
    rig = new Rig(rabbitmqUrl!);
  });
  afterEach(() => rig.close());

  async function consuming(options: RabbitMQEventBusOptions = {}) {
    const events: DomainEvent[] = [];
    const contexts: { headers: unknown; attempt: number; deliveryCount: number | undefined }[] = [];
    const bus = rig.bus({ consumerGroup: 'g', registry, ...options });
    bus.subscribe(OrderCreated, (event, { headers, attempt, deliveryCount }) => {
      events.push(event);
      contexts.push({ headers, attempt, deliveryCount });
    });
    await bus.startConsumingInBackground();
    return { bus, events, contexts };
  }

  it.each(INTEGERS)('are consumed as typed events, with %s for integers', async (integer) => {
    const { bus, events, contexts } = await consuming();
    await rig.raw(async (channel) => {
      for (const message of recorded)
        channel.publish(
          rig.exchange,
          message.routing_key,
          Buffer.from(message.body),
          propertiesOf(message, integer),
        );
      await channel.checkExchange(rig.exchange);
    });
    await eventually(
      () => events,
      ({ length }) => length === 2,
    );
    expect(events.map((event) => ({ ...event }))).toEqual(AS_EVENTS);
    // Its count of retries is its own business: it isn't the user's header, and no attempt of ours.
    for (const context of contexts) expect(context).toEqual({ headers: {}, attempt: 1, deliveryCount: 1 });
    expect(await bus.deadLetters.count()).toBe(0);
  });

  it('are consumed from the queue that it declared and its own consumers share', async () => {
    const theirs = { exchange: rig.exchange, group: 'g' };
    await rig.raw(async (channel) => {
      await declareTheirs(channel, theirs);
      for (const message of recorded)
        channel.publish(
          rig.exchange,
          message.routing_key,
          Buffer.from(message.body),
          propertiesOf(message, 'int32'),
        );
      await channel.checkExchange(rig.exchange);
    });
    const { events } = await consuming({ queueType: 'classic' });
    await eventually(
      () => events,
      ({ length }) => length === 2,
    );
    expect(events.map((event) => ({ ...event }))).toEqual(AS_EVENTS);
    // It declares all of it whenever it connects.
    await rig.raw((channel) => declareTheirs(channel, theirs));
  });

  it('are consumed once it has retried them, straight from the queue', async () => {
    const { bus, events, contexts } = await consuming();
    const [message] = recorded as [Recorded];
    const properties = propertiesOf(message, 'int32');
    await rig.raw(async (channel) => {
      channel.sendToQueue(rig.queue('g'), Buffer.from(message.body), {
        ...properties,
        headers: {
          ...(properties.headers as object),
          'x-retry-count': 2,
          'x-last-retry-at': '2026-01-02T03:05:00+00:00',
        },
      });
      await channel.checkQueue(rig.queue('g'));
    });
    await eventually(
      () => events,
      ({ length }) => length === 1,
    );
    expect({ ...events[0] }).toEqual(AS_EVENTS[0]);
    expect(contexts).toEqual([{ headers: {}, attempt: 1, deliveryCount: 1 }]);
    expect(await bus.deadLetters.count()).toBe(0);
  });

  it('are what this bus writes for the same events: route, properties, headers and their types, body', async () => {
    const queue = rig.queue('raw');
    const { bus, events } = await consuming();
    await rig.raw(async (channel) => {
      for (const message of recorded)
        channel.sendToQueue(rig.queue('g'), Buffer.from(message.body), propertiesOf(message, 'int32'));
      await channel.checkQueue(rig.queue('g'));
    });
    await eventually(
      () => events,
      ({ length }) => length === 2,
    );
    await bus.stopConsuming();
    await rig.raw(async (channel) => {
      await channel.assertQueue(queue);
      await channel.bindQueue(queue, rig.exchange, 'Order.OrderCreated');
    });
    await bus.publish(events);
    const written: unknown[] = [];
    for (let got = 0; got < 2; got++)
      written.push(
        await rig.raw(async (channel) => recordOf((await channel.get(queue, { noAck: true })) as GetMessage)),
      );
    expect(written).toEqual(recorded.map((message) => asWritten(message, rig.exchange)));
  });
});
