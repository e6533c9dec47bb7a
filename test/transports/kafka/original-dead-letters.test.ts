import { readFileSync } from 'node:fs';
import type { IHeaders, Message as KafkaRecord } from 'kafkajs';
import { afterEach, beforeEach, describe, expect, inject, it } from 'vitest';
import { NonRetryableError } from '../../../src/index.ts';
import type { KafkaEventBus, KafkaEventBusOptions } from '../../../src/transports/kafka/index.ts';
import { createTopics } from '../../support/kafka-topics.ts';
import { asRecords, distinct, eventually, placed, Rig } from './rig.ts';

/** What eventsource-py 0.14.0 left on a real Kafka. */
interface Recorded {
  readonly key: string;
  readonly headers: readonly (readonly [string, string])[];
  readonly value: string;
}
const file = readFileSync(new URL('../../support/wire/eventsource-py.json', import.meta.url), 'utf8');
const [recorded] = (JSON.parse(file) as { kafka: { messages: [Recorded] } }).kafka.messages;

const servers = inject('kafkaServers');

describe.skipIf(servers === undefined)('dead letters of eventsource-py, on Kafka', () => {
  let rig: Rig;
  beforeEach(async () => {
    rig = new Rig(servers!);
    await rig.admin((admin) =>
      createTopics(
        admin,
        [rig.topic, `${rig.topic}.dlq`].map((topic) => ({ topic, numPartitions: 4 })),
      ),
    );
  });
  afterEach(() => rig.close());

  /** What it adds to the headers of what it has retried three times; without a group where that is undefined. */
  const failed = (group: string | undefined): IHeaders => ({
    retry_count: '3',
    retry_after: '1767323099.5',
    dlq_reason: 'max_retries_exceeded',
    dlq_error_type: 'ValueError',
    dlq_error_message: 'no stock',
    dlq_retry_count: '3',
    dlq_timestamp: '2026-01-02T03:05:00.123456+00:00',
    dlq_original_topic: rig.topic,
    dlq_original_partition: '2',
    dlq_original_offset: '17',
    ...(group !== undefined && { dlq_consumer_group: group }),
  });
  const store = (records: readonly KafkaRecord[], group: string | undefined) =>
    rig.producer((producer) =>
      producer.send({
        topic: `${rig.topic}.dlq`,
        messages: records.map((record) => ({
          ...record,
          headers: { ...record.headers, ...failed(group) },
        })),
      }),
    );
  const handling = async (group: string, options: KafkaEventBusOptions = {}) => {
    const seen: number[] = [];
    const bus = await rig.consumer(seen, { consumerGroup: group, ...options });
    return { bus, seen };
  };
  const counts = (bus: KafkaEventBus, ...groups: string[]) =>
    Promise.all(groups.map((group) => bus.deadLetters.count({ group })));

  it('are listed for the group that they name, with what they say, and the original byte for byte', async () => {
    const headers = Object.fromEntries(recorded.headers) as IHeaders;
    await store([{ key: recorded.key, value: recorded.value, headers }], 'g');
    const [another] = asRecords(placed(1));
    await store([{ ...another!, headers: { ...another!.headers, 'x-group': 'g' } }], 'other');
    await store(asRecords(placed(1)), undefined);
    const bus = rig.bus({ consumerGroup: 'g' });
    const [letter, ...others] = await bus.deadLetters.list();
    expect(others).toEqual([]);
    expect(letter).toMatchObject({
      eventId: headers['event_id'],
      eventType: 'OrderCreated',
      aggregateId: recorded.key,
      group: 'g',
      reason: 'attempts-exhausted',
      error: { name: 'ValueError', message: 'no stock' },
      attempts: 4,
      destination: rig.topic,
      position: '2:17',
      firstFailedAt: new Date('2026-01-02T03:05:00.123Z'),
      lastFailedAt: new Date('2026-01-02T03:05:00.123Z'),
      headers: {},
      replayCount: 0,
    });
    expect(Buffer.from(letter!.body).toString()).toBe(recorded.value);
    expect(await counts(bus, 'g', 'other', '*')).toEqual([1, 1, 3]);
  });

  it('are replayed to their group alone, and counted with ours until then', async () => {
    const { bus, seen } = await handling('g');
    await store(asRecords(placed(3)), 'g');
    expect(await bus.deadLetters.count()).toBe(3);
    const [first] = await bus.deadLetters.list();
    expect(await bus.deadLetters.replay(first!.id)).toBe(true);
    expect(await bus.deadLetters.replayAll()).toEqual({ matched: 2, replayed: 2, failed: [] });
    await eventually(
      () => seen,
      ({ length }) => length >= 3,
    );
    expect(distinct(seen)).toEqual([0, 1, 2]);
    // Nothing has come to the topic that other groups read.
    const places = await rig.admin((admin) => admin.fetchTopicOffsets(rig.topic));
    expect(places.map(({ high }) => high)).toEqual(['0', '0', '0', '0']);
    expect(await counts(bus, '*')).toEqual([0]);
  });

  it('lose the names of eventsource-py when they are replayed', async () => {
    const contexts: unknown[] = [];
    const bus = rig.bus({ consumerGroup: 'g', maxRetries: 0 });
    bus.subscribeToAllEvents((_event, { headers }) => {
      contexts.push(headers);
      throw new NonRetryableError('not yet');
    });
    await bus.startConsumingInBackground();
    await store(asRecords(placed(1)), 'g');
    const [before] = await bus.deadLetters.list();
    await bus.deadLetters.replay(before!.id);
    const [after] = await eventually(
      () => bus.deadLetters.list({ reason: 'not-retryable' }),
      ({ length }) => length === 1,
    );
    expect(after).toMatchObject({ replayCount: 1, destination: rig.topic, position: '2:17', headers: {} });
    expect(JSON.stringify(contexts)).not.toMatch(/dlq_|retry_/);
    expect(await bus.deadLetters.count()).toBe(1);
  });

  it('of a group that only eventsource-py has consumed as stay, since nobody would read them', async () => {
    const { bus } = await handling('g');
    await store(asRecords(placed(1)), 'theirs');
    await store(asRecords(placed(1)), 'no topic’s name');
    const report = await bus.deadLetters.replayAll({ group: '*' });
    expect(report).toMatchObject({ matched: 2, replayed: 0 });
    for (const { error } of report.failed) expect(String(error)).toContain('Start a consumer of that group');
    expect(await counts(bus, '*')).toEqual([2]);
    const { seen } = await handling('theirs');
    expect(await bus.deadLetters.replayAll({ group: 'theirs' })).toMatchObject({ matched: 1, replayed: 1 });
    await eventually(
      () => seen,
      ({ length }) => length === 1,
    );
  });

  it('that name no group are replayed to all, as eventsource-py does it', async () => {
    const { bus, seen } = await handling('g');
    const other = await handling('other');
    await store(asRecords(placed(1)), undefined);
    const [letter] = await bus.deadLetters.list({ group: '*' });
    expect(await bus.deadLetters.replay(letter!.id)).toBe(true);
    await eventually(
      () => [...seen, ...other.seen],
      ({ length }) => length === 2,
    );
  });

  it('are purged', async () => {
    await store(asRecords(placed(2)), 'g');
    await store(asRecords(placed(1)), 'other');
    const bus = rig.bus({ consumerGroup: 'g' });
    expect(await bus.deadLetters.purge()).toBe(2);
    expect(await counts(bus, 'g', '*')).toEqual([0, 1]);
    expect(await counts(rig.bus({ consumerGroup: 'g' }), 'g', '*')).toEqual([0, 1]);
  });
});
