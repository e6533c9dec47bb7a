import type { Options } from 'amqplib';
import { afterEach, beforeEach, describe, expect, inject, it } from 'vitest';
import { placedBody } from '../../support/wire/placed.ts';
import { eventually, Placed, Rig } from './rig.ts';

const rabbitmqUrl = inject('rabbitmqUrl');

const placed = (fields: object = {}): Buffer =>
  Buffer.from(JSON.stringify({ ...placedBody(Placed({ aggregateId: 'a', n: 1 })), ...fields }));

/** Of every type that a table can hold, and names that only brokers and the original write. */
const STRANGE = {
  nested: { a: { b: [1, 'two', null] } },
  list: [1, { two: 3 }],
  bytes: Buffer.from([0, 255]),
  when: { '!': 'timestamp', value: 1_700_000_000 },
  nothing: null,
  yes: true,
  half: 0.5,
  'x-retry-count': 'many',
  'x-delivery-count': 'many',
  'x-death': 'mine',
  __proto__x: 'x',
};

describe.skipIf(rabbitmqUrl === undefined)('a message of somebody else on a group’s queue', () => {
  let rig: Rig;
  beforeEach(() => {
    rig = new Rig(rabbitmqUrl!);
  });
  afterEach(() => rig.close());

  async function consuming() {
    const seen: number[] = [];
    const bus = rig.bus({ consumerGroup: 'g' });
    bus.subscribe(Placed, ({ n }) => void seen.push(n));
    await bus.startConsumingInBackground();
    return { bus, seen };
  }

  const put = (body: Buffer, properties: Options.Publish = {}) =>
    rig.raw(async (channel) => {
      channel.sendToQueue(rig.queue('g'), body, properties);
      await channel.checkQueue(rig.queue('g'));
    });

  it.each([
    ['bytes without any properties', Buffer.from([0x00, 0xff, 0xfe, 0x80]), {}],
    ['nothing at all', Buffer.alloc(0), {}],
    [
      'bytes that claim to be an event',
      Buffer.from([0x7b, 0xff, 0x7d]),
      { headers: { event_type: 'Placed' } },
    ],
    ['JSON that is no event', Buffer.from('[1, 2]'), { contentType: 'application/json' }],
    ['an event of another shape', placed({ n: 'one' }), { headers: { event_type: 'Placed' } }],
    [
      'bytes with strange headers and properties',
      Buffer.from('{'),
      {
        headers: { event_type: { not: 'text' }, aggregate_id: 5, aggregate_version: 'three', ...STRANGE },
        messageId: '',
        timestamp: 1,
        type: 'theirs',
        appId: 'theirs',
        replyTo: 'amq.none',
        priority: 9,
        expiration: '600000',
      },
    ],
    ['bytes with headers of 60 KB', Buffer.from('{'), { headers: { large: 'x'.repeat(60_000) } }],
  ])(
    'becomes a dead letter with its own bytes, and the consumer goes on: %s',
    async (_, body, properties) => {
      const { bus, seen } = await consuming();
      await put(body, properties as Options.Publish);
      await bus.publish(Placed({ aggregateId: 'a', n: 7 }));
      const [letter] = await eventually(
        () => bus.deadLetters.list(),
        ({ length }) => length === 1,
      );
      expect(letter).toMatchObject({ reason: 'decode-failed', group: 'g', attempts: 0 });
      expect(Buffer.from(letter!.body).equals(body)).toBe(true);
      await eventually(
        () => seen,
        ({ length }) => length === 1,
      );
      expect(seen).toEqual([7]);
      await bus.idle();
      expect(await bus.healthCheck()).toMatchObject({ status: 'healthy' });
      await bus.shutdown();
      expect(await rig.raw((channel) => channel.checkQueue(rig.queue('g')))).toMatchObject({
        messageCount: 0,
      });
    },
  );

  it('becomes a dead letter without its headers where ours find no room beside them, and says so', async () => {
    const { bus, seen } = await consuming();
    await put(Buffer.from('{'), { headers: { large: 'x'.repeat(65_000), small: 'y' }, messageId: 'theirs' });
    await bus.publish(Placed({ aggregateId: 'a', n: 7 }));
    const [letter] = await eventually(
      () => bus.deadLetters.list(),
      ({ length }) => length === 1,
    );
    expect(letter).toMatchObject({ reason: 'decode-failed', headers: { 'x-headers-left-out': '2' } });
    expect(Buffer.from(letter!.body).toString()).toBe('{');
    await eventually(
      () => seen,
      ({ length }) => length === 1,
    );
    await bus.idle();
    expect(await bus.getQueueInfo()).toMatchObject({ ready: 0, unsettledHere: 0, deadLetters: 1 });
  });

  it('is handled like any other if it is an event, whatever its headers and properties say', async () => {
    const { bus, seen } = await consuming();
    await put(placed(), { headers: { event_type: 'Placed', ...STRANGE } });
    await put(placed({ n: 2 }), { contentType: 'text/plain', contentEncoding: 'latin-1', priority: 9 });
    await put(placed({ n: 3 }));
    await eventually(
      () => seen,
      ({ length }) => length === 3,
    );
    expect(seen).toEqual([1, 2, 3]);
    expect(await bus.deadLetters.count()).toBe(0);
  });
});
