import { afterEach, beforeEach, describe, expect, inject, it } from 'vitest';
import { ConfigurationError, ConnectionError } from '../../../src/index.ts';
import { KafkaEventBus, type KafkaEventBusOptions } from '../../../src/transports/kafka/index.ts';
import { kafkaTransport } from '../../../src/transports/kafka/transport.ts';
import { placedBody } from '../../support/wire/placed.ts';
import { notedWarnings } from '../../support/noted-warnings.ts';
import { distinct, eventually, Placed, placed, Rig, upTo } from './rig.ts';

const servers = inject('kafkaServers');

describe.skipIf(servers === undefined)('topics and offsets, on Kafka', () => {
  let rig: Rig;
  beforeEach(() => (rig = new Rig(servers!)));
  afterEach(() => rig.close());

  it('makes the topics that are missing, replays with as many partitions as the events', async () => {
    await rig.consumer([], { createTopics: { partitions: 3, replicationFactor: 1 } });
    const { topics } = await rig.admin((admin) =>
      admin.fetchTopicMetadata({ topics: [rig.topic, `${rig.topic}.dlq`, `${rig.topic}.g.replay`] }),
    );
    expect(topics.map(({ partitions }) => partitions.length)).toEqual([3, 3, 3]);
  });

  it('says which topic is missing when it may not make it', async () => {
    const bus = rig.bus({ createTopics: false });
    await expect(bus.connect()).rejects.toThrow(ConfigurationError);
    await expect(rig.bus({ createTopics: false }).connect()).rejects.toThrow(rig.topic);
  });

  it.each(['none', 'gzip', 'snappy'] as const)(
    'carries what was compressed with %s',
    async (compressionType) => {
      const seen: number[] = [];
      await rig.consumer(seen);
      await rig.bus({ compressionType, lingerMs: 5 }).publish(placed(50));
      await eventually(
        () => seen.length,
        (count) => count === 50,
      );
    },
  );

  it.each(['lz4', 'zstd'] as const)(
    'says which package %s needs when it is not there',
    async (compressionType) => {
      const connecting = rig.bus({ compressionType }).connect();
      await expect(connecting).rejects.toThrow(ConfigurationError);
      await expect(connecting).rejects.toThrow(/npm install .*kafkajs/);
    },
  );

  it.each(['all', 'leader', 'none'] as const)('publishes with acks %s', async (acks) => {
    const seen: number[] = [];
    await rig.consumer(seen);
    await rig.bus({ acks }).publish(placed(20));
    await eventually(
      () => distinct(seen).length,
      (count) => count === 20,
    );
  });

  it('publishes with the idempotent producer when asked', async () => {
    const seen: number[] = [];
    await rig.consumer(seen);
    await rig.bus({ idempotent: true }).publish(placed(20));
    await eventually(
      () => distinct(seen).length,
      (count) => count === 20,
    );
  });

  it('refuses one event that is larger than the broker takes, and goes on with others', async () => {
    const bus = rig.bus();
    const huge = Placed({ aggregateId: 'a', n: 1, metadata: { text: 'x'.repeat(1_200_000) } });
    await expect(bus.publish(huge)).rejects.toMatchObject({
      unsent: [huge.eventId],
      unknown: [],
    });
    await bus.publish(placed(3));
  });

  it('sends a list of several megabytes in parts', async () => {
    const seen: number[] = [];
    await rig.consumer(seen);
    const events = upTo(60).map((n) =>
      Placed({ aggregateId: 'one', n, metadata: { text: 'x'.repeat(60_000) } }),
    );
    await rig.bus().publish(events);
    await eventually(
      () => seen.length,
      (count) => count === 60,
    );
    expect(seen).toEqual(upTo(60));
  });

  it('sends a list of small events with large headers in parts, too', async () => {
    const [event] = placed(1, 1);
    const connection = await kafkaTransport({
      bootstrapServers: servers!,
      topicPrefix: rig.prefix,
    }).connect(AbortSignal.timeout(10_000));
    try {
      await connection.publish(
        upTo(1_000).map((n) => ({
          id: `e-${n}`,
          type: Placed.type,
          key: event!.aggregateId,
          attributes: {},
          headers: { baggage: 'x'.repeat(5_000) },
          body: JSON.stringify(placedBody(event!)),
        })),
      );
      expect(await connection.info(undefined)).toMatchObject({ length: 1_000 });
    } finally {
      await connection.close();
    }
  });

  it('spreads keys over partitions as Java does', async () => {
    await rig.bus().publish(['a', 'b', 'c', 'order-1'].map((aggregateId) => Placed({ aggregateId, n: 1 })));
    const { partitions } = await rig.bus().getTopicInfo();
    expect(partitions).toEqual([]);
    const bus = rig.bus();
    await bus.connect();
    const info = await bus.getTopicInfo();
    // murmur2 of the keys, modulo 4, as org.apache.kafka.clients.producer says.
    const expected = [0, 0, 0, 0];
    for (const key of ['a', 'b', 'c', 'order-1']) expected[murmur2(key) % 4]!++;
    expect(info.partitions.map(({ high }) => high)).toEqual(expected);
  });

  it('begins with what comes, when told so, and after a restart where it stopped', async () => {
    const seen: number[] = [];
    const publisher = rig.bus();
    await publisher.publish(placed(10));
    const first = await rig.consumer(seen, { autoOffsetReset: 'latest' });
    expect(first.capabilities.replayFromStart).toBe(false);
    await publisher.publish(placed(10, 20, 10));
    await eventually(
      () => seen.length,
      (count) => count === 10,
    );
    await first.shutdown();
    await publisher.publish(placed(10, 20, 20));
    await rig.consumer(seen, { autoOffsetReset: 'latest' });
    await eventually(
      () => seen.length,
      (count) => count === 20,
    );
    expect(distinct(seen)).toEqual(upTo(30).slice(10));
  });

  it('tells of topic, group and the lag of each partition', async () => {
    const seen: number[] = [];
    const bus = await rig.consumer(seen);
    await rig.bus().publish(placed(40));
    const info = await eventually(
      () => bus.getTopicInfo(),
      ({ lag, length }) => lag === 0 && length === 40,
    );
    expect(info).toMatchObject({ topic: rig.topic, members: 1, unsettledHere: 0, deadLetters: 0 });
    const events = info.partitions.filter(({ topic }) => topic === rig.topic);
    expect(events.map(({ committed = 0 }) => committed).reduce((a, b) => a + b)).toBe(40);
    bus.pause();
    await rig.bus().publish(placed(7));
    expect((await bus.getTopicInfo()).lag).toBe(7);
  });

  it('commits behind a stuck key what others have done, so that a successor does not do it again', async () => {
    const seen: number[] = [];
    let isStuck = true;
    const first = await rig.consumer(seen, { retry: { maxRetries: 100, baseDelayMs: 60_000 } }, (n) => {
      if (n === 0 && isStuck) throw new Error('stuck');
    });
    await rig.bus().publish(placed(200, 200));
    await eventually(
      () => seen.length,
      (count) => count === 199,
    );
    isStuck = false;
    await first.shutdown({ timeoutMs: 200 });
    await rig.consumer(seen);
    await eventually(
      () => distinct(seen).length,
      (count) => count === 200,
    );
    expect(seen).toHaveLength(200);
  });

  it('makes a dead letter of foreign bytes, as they were, and goes on', async () => {
    const seen: number[] = [];
    const bus = await rig.consumer(seen);
    const bytes = Buffer.from([0xff, 0xfe, 0x00, 0x01]);
    await rig.producer((producer) =>
      producer.send({
        topic: rig.topic,
        messages: [
          { key: 'k', value: bytes },
          { key: 'k', value: null },
        ],
      }),
    );
    await rig.bus().publish(placed(5));
    await eventually(
      () => bus.deadLetters.count(),
      (count) => count === 2,
    );
    const letters = await bus.deadLetters.list();
    expect(letters.map(({ reason }) => reason)).toEqual(['decode-failed', 'decode-failed']);
    expect(letters.map(({ body }) => Buffer.from(body as never))).toEqual([bytes, Buffer.alloc(0)]);
    await eventually(
      () => seen.length,
      (count) => count === 5,
    );
  });

  it('warns of a service that has the group and other topics', async () => {
    const { logger, warnings } = notedWarnings();
    const consumerGroup = `shared-${rig.prefix}`;
    await rig.consumer([], { consumerGroup, logger });
    await rig.consumer([], { consumerGroup, logger, topicPrefix: `${rig.prefix}.other` });
    const [told] = await eventually(
      () => warnings.filter(({ kind }) => kind === 'foreign-topics'),
      ({ length }) => length > 0,
    );
    expect(told?.detail).toContain(`Group ${consumerGroup} is shared`);
    expect(told?.detail).toMatch(
      new RegExp(`${rig.prefix}(.other)?.stream, .* while this one reads ${rig.prefix}(.other)?.stream:`),
    );
  });

  it('lists an empty topic of dead letters at once', async () => {
    const bus = await rig.consumer([]);
    const before = performance.now();
    expect(await bus.deadLetters.list()).toEqual([]);
    expect(performance.now() - before).toBeLessThan(1000);
  });
});

describe('a handler on Kafka that may take longer than its member may go without progress', () => {
  function warnings(options: KafkaEventBusOptions, timeoutMs: number) {
    const { logger, warnings: told } = notedWarnings();
    new KafkaEventBus({ ...options, logger }).subscribeToAllEvents(() => undefined, { timeoutMs });
    return told;
  }

  it.each([
    ['as long as the default of maxPollIntervalMs', {}, 600_000],
    ['for ever', {}, 0],
    ['as long as maxPollIntervalMs says', { maxPollIntervalMs: 60_000 }, 60_000],
  ])('is warned of: %s', (_, options, timeoutMs) => {
    expect(warnings(options, timeoutMs)).toHaveLength(1);
  });

  it('is not warned of otherwise', () => {
    expect(warnings({ maxPollIntervalMs: 60_000 }, 59_999)).toEqual([]);
  });
});

describe('options of Kafka', () => {
  it.each<[string, KafkaEventBusOptions]>([
    ['bootstrapServers', { bootstrapServers: 'http://somewhere' }],
    ['acks', { acks: '1' as never }],
    ['compressionType', { compressionType: 'brotli' as never }],
    ['consumerGroup', { consumerGroup: 'no/slashes' }],
    ['topicPrefix', { topicPrefix: 'a b' }],
    ['maxDeliveries', { maxDeliveries: 3 } as never],
    ['heartbeatIntervalMs', { heartbeatIntervalMs: 5000, sessionTimeoutMs: 6000 }],
    ['idempotent', { idempotent: true, acks: 'leader' }],
    ['idempotent', { idempotent: true, acks: 'none' }],
    ['sasl', { sasl: { mechanism: 'gssapi' } as never }],
    ['createTopics', { createTopics: { partitions: 0 } }],
  ])('refuse a wrong %s by name', (name, options) => {
    expect(() => new KafkaEventBus(options)).toThrow(ConfigurationError);
    expect(() => new KafkaEventBus(options)).toThrow(name);
  });

  it('never show a password', () => {
    const sasl = { mechanism: 'plain', username: '', password: 'open sesame' } as const;
    expect(() => new KafkaEventBus({ sasl })).toThrow(expect.not.stringContaining('sesame') as never);
    // As a caller without types may give it.
    const number = { mechanism: 'plain', username: 'alice', password: 12345 };
    for (const wrong of [number, 'plain:alice:12345'])
      expect(() => new KafkaEventBus({ sasl: wrong as never })).toThrow(/sasl(?!.*12345)/);
  });

  it('give up an address where nobody answers', async () => {
    const logger = { debug() {}, info() {}, warn() {}, error() {} };
    const bus = new KafkaEventBus({ bootstrapServers: '127.0.0.1:1', connectTimeoutMs: 300, logger });
    await expect(bus.connect()).rejects.toThrow(ConnectionError);
    await bus.shutdown();
  });
});

/** As org.apache.kafka.common.utils.Utils has it, made positive. */
function murmur2(text: string): number {
  const data = Buffer.from(text);
  const m = 0x5bd1e995;
  let h = 0x9747b28c ^ data.length;
  let at = 0;
  for (; at + 4 <= data.length; at += 4) {
    let k = Math.imul(data.readInt32LE(at), m);
    k = Math.imul(k ^ (k >>> 24), m);
    h = Math.imul(h, m) ^ k;
  }
  const rest = data.length - at;
  if (rest >= 3) h ^= data[at + 2]! << 16;
  if (rest >= 2) h ^= data[at + 1]! << 8;
  if (rest >= 1) h = Math.imul(h ^ data[at]!, m);
  h = Math.imul(h ^ (h >>> 13), m);
  return (h ^ (h >>> 15)) & 0x7fffffff;
}
