import { describe, expect, it } from 'vitest';
import { readDeadLetter, replayHeaders } from '../../src/dead-letters/dead-letter.ts';
import type { Headers } from '../../src/contracts/message.ts';

const AT = '2026-01-02T03:05:00.123456+00:00';
const ON_RABBITMQ = {
  'x-dlq-reason': 'no stock\nfor x',
  'x-dlq-error-type': 'ValueError',
  'x-dlq-retry-count': '3',
  'x-dlq-timestamp': AT,
  'x-original-routing-key': 'Order.OrderCreated',
};
const ON_KAFKA = {
  retry_count: '3',
  retry_after: '1767323099.5',
  dlq_reason: 'max_retries_exceeded',
  dlq_error_type: 'ValueError',
  dlq_error_message: 'no stock',
  dlq_retry_count: '3',
  dlq_timestamp: AT,
  dlq_original_topic: 'events.stream',
  dlq_original_partition: '2',
  dlq_original_offset: '17',
  dlq_consumer_group: 'billing',
};
const ON_REDIS = { original_message_id: '1767323099123-0', retry_count: '3', dlq_timestamp: AT };

const stored = (headers: Headers) => ({
  position: 'here',
  message: { id: 'e', type: 'OrderCreated', key: 'o', attributes: {}, headers, body: Buffer.from('{}') },
});
const letterOf = (headers: Headers) => readDeadLetter(stored(headers));

describe('a dead letter of eventsource-py', () => {
  it.each([
    [
      'RabbitMQ',
      ON_RABBITMQ,
      {
        error: { name: 'ValueError', message: 'no stock\nfor x' },
        destination: 'Order.OrderCreated',
        position: '',
        group: '',
      },
    ],
    [
      'Kafka',
      ON_KAFKA,
      {
        error: { name: 'ValueError', message: 'no stock' },
        destination: 'events.stream',
        position: '2:17',
        group: 'billing',
      },
    ],
    [
      'Redis',
      ON_REDIS,
      { error: { name: 'Error', message: '' }, destination: '', position: '1767323099123-0', group: '' },
    ],
  ])('on %s says what failed, how often, when and where', (_, headers, told) => {
    const { id, body: _body, ...letter } = letterOf({ traceparent: 't', ...headers });
    expect(id).toMatch(/^[\w-]{22}$/);
    expect(letter).toEqual({
      cursor: 'here',
      eventId: 'e',
      eventType: 'OrderCreated',
      aggregateId: 'o',
      // Of its three retries each was one more attempt.
      attempts: 4,
      reason: 'attempts-exhausted',
      failedHandlers: [],
      firstFailedAt: new Date('2026-01-02T03:05:00.123Z'),
      lastFailedAt: new Date('2026-01-02T03:05:00.123Z'),
      replayCount: 0,
      headers: { traceparent: 't' },
      ...told,
    });
  });

  it('that it could not decode had no attempt', () => {
    const letter = letterOf({ ...ON_KAFKA, dlq_reason: 'deserialization_error', dlq_retry_count: '0' });
    expect(letter).toMatchObject({ reason: 'decode-failed', attempts: 0 });
  });

  it.each([
    ['a count, on Kafka', { ...ON_KAFKA, dlq_replay_count: '2' }, 2],
    ['the time, on RabbitMQ', { ...ON_RABBITMQ, 'x-replayed-from-dlq': AT }, 1],
  ])('that it had replayed, of which it leaves %s, counts that', (_, headers, replayCount) => {
    expect(letterOf(headers)).toMatchObject({ replayCount, headers: {} });
    expect(replayHeaders(stored(headers), undefined)['x-replay-count']).toBe(String(replayCount + 1));
  });

  it('is replayed with the headers of its user, where it was, and none of its own', () => {
    const replayed = (headers: Headers) => replayHeaders(stored({ tenant: 'a', ...headers }), undefined);
    expect(replayed(ON_RABBITMQ)).toEqual({
      tenant: 'a',
      'x-original-destination': 'Order.OrderCreated',
      'x-replay-count': '1',
    });
    expect(replayed(ON_KAFKA)).toEqual({
      tenant: 'a',
      'x-original-destination': 'events.stream',
      'x-original-position': '2:17',
      'x-replay-count': '1',
    });
    expect(replayed(ON_REDIS)).toEqual({
      tenant: 'a',
      'x-original-position': '1767323099123-0',
      'x-replay-count': '1',
    });
  });

  it('that failed with it after a replay of ours keeps where it failed first, and when', () => {
    const before = {
      'x-original-destination': 'events',
      'x-original-position': 'e',
      'x-first-failure-at': '2026-01-01T00:00:00.000Z',
      'x-replay-count': '2',
      'x-attempt': '9',
    };
    expect(letterOf({ ...before, ...ON_RABBITMQ })).toMatchObject({
      destination: 'events',
      position: 'e',
      firstFailedAt: new Date('2026-01-01T00:00:00.000Z'),
      lastFailedAt: new Date('2026-01-02T03:05:00.123Z'),
      replayCount: 2,
      attempts: 4,
    });
  });

  it("names the group itself, whatever a user's header says", () => {
    expect(letterOf({ 'x-group': 'vip', ...ON_KAFKA }).group).toBe('billing');
  });

  it('whose counts and times are none has none', () => {
    const letter = letterOf({ ...ON_RABBITMQ, 'x-dlq-retry-count': 'many', 'x-dlq-timestamp': 'yesterday' });
    expect(letter).toMatchObject({ attempts: 0, firstFailedAt: new Date(0), lastFailedAt: new Date(0) });
    expect(replayHeaders(stored({ ...ON_KAFKA, dlq_replay_count: '?' }), undefined)['x-replay-count']).toBe(
      '1',
    );
  });
});

describe("a user's headers that are called like those of eventsource-py", () => {
  const users = { dlq_reason: 'mine', 'x-dlq-mood': 'low', retry_count: '7' };

  it.each([
    ['we stored', { 'x-dead-letter-id': 'i', 'x-failure-reason': 'not-retryable', 'x-attempt': '1' }, 1],
    ['the broker made', { 'x-failure-reason': 'expired' }, 0],
  ])('stay in a dead letter that %s, and say nothing of it', (_, ours, attempts) => {
    const letter = letterOf({ ...users, ...ours });
    expect(letter).toMatchObject({ headers: users, attempts, reason: ours['x-failure-reason'] });
    expect(replayHeaders(stored({ ...users, ...ours }), undefined)).toMatchObject(users);
  });
});
