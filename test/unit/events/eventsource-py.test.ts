import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { createCodec } from '../../../src/events/codec.ts';
import { defineEvent } from '../../../src/events/define-event.ts';
import { EventRegistry } from '../../../src/events/registry.ts';

interface Recorded {
  redis: { entries: { payload: string; event_type: string; occurred_at: string }[] };
  rabbitmq: { messages: { body: string }[] };
  kafka: { messages: { value: string; headers: [string, string][] }[] };
}

/** What eventsource-py 0.14.0 left on real brokers. */
const recorded = JSON.parse(
  readFileSync(new URL('../../support/wire/eventsource-py.json', import.meta.url), 'utf8'),
) as Recorded;
const bodies = [
  ...recorded.redis.entries.map((entry) => entry.payload),
  ...recorded.rabbitmq.messages.map((message) => message.body),
  ...recorded.kafka.messages.map((message) => message.value),
];

const line = z.object({ sku: z.string(), qty: z.number() });
const asWritten = new EventRegistry();
defineEvent({
  type: 'OrderCreated',
  aggregateType: 'Order',
  registry: asWritten,
  schema: z.object({ customer_id: z.string(), total: z.number(), lines: z.array(line) }),
});
const camelCase = new EventRegistry();
defineEvent({
  type: 'OrderCreated',
  aggregateType: 'Order',
  registry: camelCase,
  schema: z.object({ customerId: z.string(), total: z.number(), lines: z.array(line) }),
});

/** JavaScript has one spelling of the float 0.0 and keeps no microseconds. */
const withinReach = (body: string): string =>
  body.replace('"total":0.0', '"total":0').replace('05.678901', '05.678000');

describe.each([
  ['as written', createCodec({ registry: asWritten }), 'customer_id'],
  ['in camelCase', createCodec({ registry: camelCase, payloadKeys: 'snake_case' }), 'customerId'],
] as const)("the original's events, payload keys %s", (_, codec, customerKey) => {
  it.each(bodies)('are read and written with the same bytes: %s', (body) => {
    const event = codec.decode({ id: '', type: 'OrderCreated', key: '', attributes: {}, headers: {}, body });
    const first = event.aggregateVersion === 3;
    expect(event).toMatchObject({
      aggregateId: '00000000-0000-0000-0000-000000000002',
      occurredAt: new Date(first ? '2026-01-02T03:04:05.678Z' : '2026-01-02T03:04:05Z'),
      metadata: first ? { k: { a: [1, null] } } : {},
      [customerKey]: first ? 'naïve ✓' : 'c',
      total: first ? 1.5 : 0,
    });
    expect(event.tenantId).toBe(first ? '00000000-0000-0000-0000-000000000004' : undefined);
    expect(codec.encode(event).body).toBe(withinReach(body));
  });
});

it('spells the time outside the body as the original does', () => {
  const codec = createCodec({ registry: asWritten });
  expect(recorded.redis.entries).toHaveLength(2);
  for (const { payload, occurred_at } of recorded.redis.entries) {
    const event = codec.decode({ id: '', type: '', key: '', attributes: {}, headers: {}, body: payload });
    expect(codec.encode(event).attributes.occurredAt).toBe(occurred_at.replace('05.678901', '05.678000'));
  }
});
