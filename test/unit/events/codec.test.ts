import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import type { Message } from '../../../src/contracts/message.ts';
import { ConfigurationError, DecodeError, EncodeError, EventTypeNotFoundError } from '../../../src/errors.ts';
import { createCodec } from '../../../src/events/codec.ts';
import { defineEvent } from '../../../src/events/define-event.ts';
import { EventRegistry } from '../../../src/events/registry.ts';

const registry = new EventRegistry();
const Note = defineEvent({
  type: 'Note',
  aggregateType: 'Notes',
  registry,
  schema: z.object({ text: z.string(), due: z.coerce.date().optional(), extra: z.json().optional() }),
});
const codec = createCodec({ registry });

const envelope = {
  aggregateId: 'a-1',
  eventId: 'e-1',
  correlationId: 'k-1',
  occurredAt: new Date('2026-01-02T03:04:05.678Z'),
};
const goldenBody =
  '{"event_id":"e-1","event_type":"Note","event_version":1,"occurred_at":"2026-01-02T03:04:05.678000Z",' +
  '"aggregate_id":"a-1","aggregate_type":"Notes","aggregate_version":1,"tenant_id":null,"actor_id":null,' +
  '"correlation_id":"k-1","causation_id":null,"metadata":{},"text":"hi"}';

const messageOf = (body: string | Uint8Array, type = 'Note'): Message => ({
  id: 'e-1',
  type,
  key: 'a-1',
  attributes: {},
  headers: {},
  body,
});
const bodyWith = (changes: object): string => JSON.stringify({ ...JSON.parse(goldenBody), ...changes });

function failureOf(message: Message, by = codec): DecodeError {
  try {
    by.decode(message);
  } catch (error) {
    expect(error).toBeInstanceOf(DecodeError);
    expect((error as DecodeError).cause).toBeDefined();
    return error as DecodeError;
  }
  throw new Error('it was decoded');
}

describe('encoding', () => {
  it('writes these very bytes', () => {
    expect(codec.encode(Note({ ...envelope, text: 'hi' }))).toEqual({
      id: 'e-1',
      type: 'Note',
      key: 'a-1',
      attributes: {
        aggregateType: 'Notes',
        aggregateVersion: 1,
        occurredAt: '2026-01-02T03:04:05.678000+00:00',
        correlationId: 'k-1',
      },
      headers: {},
      body: goldenBody,
    });
  });

  it('repeats optional envelope fields as attributes and carries headers', () => {
    const event = Note({ ...envelope, tenantId: 't', actorId: 'u', causationId: 'c', text: 'hi' });
    const message = codec.encode(event, { 'x-a': '1' });
    expect(message.attributes).toMatchObject({ tenantId: 't', actorId: 'u', causationId: 'c' });
    expect(message.headers).toEqual({ 'x-a': '1' });
    expect(message.body).toContain(
      '"tenant_id":"t","actor_id":"u","correlation_id":"k-1","causation_id":"c"',
    );
  });

  it.each([
    ['2026-01-02T03:04:05.000Z', '2026-01-02T03:04:05'],
    ['2026-12-31T23:59:59.999Z', '2026-12-31T23:59:59.999000'],
    ['2027-01-01T00:00:00.007Z', '2027-01-01T00:00:00.007000'],
    ['1969-12-31T23:59:59.001Z', '1969-12-31T23:59:59.001000'],
    ['0000-01-01T00:00:00.000Z', '0000-01-01T00:00:00'],
    ['9999-12-31T23:59:59.999Z', '9999-12-31T23:59:59.999000'],
  ])('writes the time %s as %s and reads it back', (instant, written) => {
    const event = Note({ ...envelope, occurredAt: new Date(instant), text: 'hi' });
    const message = codec.encode(event);
    expect(message.attributes.occurredAt).toBe(`${written}+00:00`);
    expect(message.body).toContain(`"occurred_at":"${written}Z"`);
    expect(codec.decode(message).occurredAt).toEqual(new Date(instant));
  });

  it('builds an event written by hand anew by its definition', () => {
    const byHand = { ...Note({ ...envelope, text: 'hi' }), text: 'changed' };
    expect(codec.encode(byHand).body).toBe(goldenBody.replace('"hi"', '"changed"'));
    expect(() => codec.encode({ ...byHand, text: 5 } as never)).toThrow(
      expect.objectContaining({ path: 'text' }),
    );
    const unknown = (): unknown => codec.encode({ ...byHand, eventType: 'Nobody' });
    expect(unknown).toThrow(EncodeError);
    expect(unknown).toThrow('No event type "Nobody" (known: Note)');
  });
});

describe('a round trip', () => {
  it.each<[string, object]>([
    ['unicode', { text: 'naïve ✓ 日本語 🦄 \u2028 \u0000 "\\ \n' }],
    ['half a surrogate pair', { text: 'x\ud83d' }],
    ['nesting', { text: '', extra: { a: [{ b: [[]] }, null, false, 1.5e-7, ''] } }],
    ['512 KiB', { text: '✓é"x'.repeat(75_000) }],
    ['a key with quotes', { text: 'x', extra: { 'a"\\b': 1, constructor: 2 } }],
  ])('keeps %s', (_, payload) => {
    const event = Note({ ...envelope, metadata: { list: ['é', { deep: null }] }, ...payload } as never);
    const message = codec.encode(event);
    expect(codec.decode(message)).toEqual(event);
    const bytes = new TextEncoder().encode(message.body as string);
    expect(codec.decode({ ...message, body: bytes })).toEqual(event);
  });

  it('keeps the instant of a Date', () => {
    const due = new Date('2031-05-06T07:08:09.123Z');
    const decoded = codec.decode(codec.encode(Note({ ...envelope, text: 'hi', due })));
    expect(decoded).toEqual(Note({ ...envelope, text: 'hi', due }));
    expect((decoded as { due?: unknown }).due).toBeInstanceOf(Date);
  });

  it('keeps an empty payload', () => {
    const Empty = defineEvent({
      type: 'Empty',
      aggregateType: 'E',
      schema: z.object({}),
      registry: new EventRegistry(),
    });
    const other = new EventRegistry();
    other.register(Empty);
    const event = Empty(envelope);
    expect(createCodec({ registry: other }).decode(codec.encode(event))).toEqual(event);
  });
});

describe('decoding', () => {
  it('returns a deeply frozen event', () => {
    const event = codec.decode(messageOf(bodyWith({ extra: { a: [{}] }, metadata: { m: { n: 1 } } })));
    const { extra } = event as unknown as { extra: { a: object[] } };
    for (const part of [event, extra, extra.a, extra.a[0], event.metadata, event.metadata['m']]) {
      expect(Object.isFrozen(part)).toBe(true);
    }
  });

  it('reads bytes behind a byte order mark, and a replacement character that is meant', () => {
    const bytes = Buffer.from(`\uFEFF${bodyWith({ text: 'lost \uFFFD found' })}`);
    expect(codec.decode(messageOf(bytes))).toMatchObject({ text: 'lost \uFFFD found' });
    const view = new Uint8Array(Buffer.concat([Buffer.from('x'), Buffer.from(goldenBody)])).subarray(1);
    expect(codec.decode(messageOf(view))).toMatchObject({ text: 'hi' });
  });

  it('reads bytes, and refuses those that are not UTF-8', () => {
    const bytes = new TextEncoder().encode(goldenBody.replace('hi', 'é'));
    expect(codec.decode(messageOf(bytes))).toMatchObject({ text: 'é' });
    bytes[bytes.length - 4] = 0xff;
    failureOf(messageOf(bytes));
  });

  it.each([
    ['2026-01-02T03:04:05.678901Z', 678],
    ['2026-01-02T03:04:05.6Z', 600],
    ['2026-01-02T03:04:05.123456789Z', 123],
    ['2026-01-02T03:04:05.678901+00:00', 678],
    ['2026-01-02T05:34:05.678901+02:30', 678],
    ['2026-01-02T03:04:05.678901', 678],
    ['2026-01-02T03:04:05', 0],
  ])('reads the time %s to the millisecond', (written, ms) => {
    const event = codec.decode(messageOf(bodyWith({ occurred_at: written })));
    expect(event.occurredAt.toISOString()).toBe(`2026-01-02T03:04:05.${String(ms).padStart(3, '0')}Z`);
  });

  it.each<[string, string, RegExp]>([
    ['text that is no JSON', '{"event_id":', /JSON/],
    ['a list', '[]', /not a JSON object/],
    ['null', 'null', /not a JSON object/],
    ['no event id', bodyWith({ event_id: undefined }), /event_id must be/],
    ['an empty aggregate id', bodyWith({ aggregate_id: '' }), /aggregate_id must be/],
    ['a numeric tenant', bodyWith({ tenant_id: 5 }), /tenant_id must be/],
    ['no correlation id', bodyWith({ correlation_id: null }), /correlation_id must be/],
    ['a version of 0', bodyWith({ event_version: 0 }), /event_version must be/],
    ['an aggregate version as text', bodyWith({ aggregate_version: '1' }), /aggregate_version must be/],
    ['an aggregate type with a space', bodyWith({ aggregate_type: 'a b' }), /aggregate_type must be/],
    ['metadata as a list', bodyWith({ metadata: [] }), /metadata must be/],
    ['no time', bodyWith({ occurred_at: 'yesterday' }), /occurred_at must be.*yesterday/],
    ['an impossible time', bodyWith({ occurred_at: '2026-13-01T00:00:00Z' }), /occurred_at must be/],
    ['an hour too many', bodyWith({ occurred_at: '2026-12-01T25:00:00Z' }), /occurred_at must be/],
    ['another type than around it', bodyWith({ event_type: 'Empty' }), /"Empty".*"Note"/],
    ['a payload that its schema refuses', bodyWith({ text: 5 }), /text: /],
    [
      '__proto__ beside the envelope',
      goldenBody.replace('"text"', '"__proto__":{"admin":1},"text"'),
      /__proto__/,
    ],
    [
      '__proto__ in the metadata',
      goldenBody.replace('"metadata":{}', '"metadata":{"__proto__":{"admin":1}}'),
      /__proto__/,
    ],
  ])('refuses %s', (_, body, message) => {
    expect(failureOf(messageOf(body)).message).toMatch(message);
    expect(({} as { admin?: unknown }).admin).toBeUndefined();
  });

  it('can not be made to pollute prototypes, with or without validation', () => {
    const body = goldenBody.replace(
      '"text"',
      '"extra":{"__proto__":{"admin":1},"constructor":{"prototype":{"admin":1}}},"text"',
    );
    failureOf(messageOf(body), createCodec({ registry, validateOn: 'publish' }));
    const event = codec.decode(
      messageOf(goldenBody.replace('"text"', '"extra":{"constructor":{"prototype":{"admin":1}}},"text"')),
    );
    expect((event as unknown as { extra: unknown }).extra).toEqual({
      constructor: { prototype: { admin: 1 } },
    });
    expect(({} as { admin?: unknown }).admin).toBeUndefined();
  });

  it('lists the known types when the type is unknown', () => {
    const failure = failureOf(messageOf(bodyWith({ event_type: 'Nobody' }), 'Nobody'));
    expect(failure.cause).toBeInstanceOf(EventTypeNotFoundError);
    expect(failure.message).toContain('known: Note');
  });

  it('takes the type from whichever place names it', () => {
    expect(codec.decode(messageOf(goldenBody, '')).eventType).toBe('Note');
    expect(codec.decode(messageOf(bodyWith({ event_type: undefined }))).eventType).toBe('Note');
    expect(failureOf(messageOf(bodyWith({ event_type: undefined }), '')).message).toContain(
      'event_type must be',
    );
  });

  it('takes missing versions, metadata and aggregate type for their defaults', () => {
    const body = bodyWith({
      event_version: undefined,
      aggregate_version: undefined,
      metadata: undefined,
      aggregate_type: undefined,
      tenant_id: '',
    });
    const event = codec.decode(messageOf(body));
    expect(event).toMatchObject({
      eventVersion: 1,
      aggregateVersion: 1,
      aggregateType: 'Notes',
      metadata: {},
    });
    expect(event).not.toHaveProperty('tenantId');
  });

  it('drops fields that the schema does not know, and keeps them where it keeps them', () => {
    const body = bodyWith({ more: 1 });
    expect(codec.decode(messageOf(body))).not.toHaveProperty('more');
    expect(createCodec({ registry, validateOn: 'publish' }).decode(messageOf(body))).toHaveProperty(
      'more',
      1,
    );
  });

  it('leaves validation out with validateOn publish', () => {
    const event = createCodec({ registry, validateOn: 'publish' }).decode(messageOf(bodyWith({ text: 5 })));
    expect(event).toMatchObject({ text: 5 });
    expect(Object.isFrozen(event)).toBe(true);
  });

  it('reports an asynchronous schema', () => {
    const own = new EventRegistry();
    defineEvent({
      type: 'Note',
      aggregateType: 'A',
      registry: own,
      schema: z.object({ text: z.string().refine(async () => true) }),
    });
    expect(failureOf(messageOf(goldenBody), createCodec({ registry: own })).cause).toBeInstanceOf(
      ConfigurationError,
    );
  });
});

describe('upcast', () => {
  const own = new EventRegistry();
  const seen: number[] = [];
  defineEvent({
    type: 'Note',
    aggregateType: 'Notes',
    registry: own,
    version: 3,
    schema: z.object({ title: z.string() }),
    upcast: ({ text, ...rest }, fromVersion) => {
      seen.push(fromVersion);
      if (text === 'broken') throw new RangeError('no title');
      return text === 'none' ? undefined : { ...rest, title: text };
    },
  });
  const newer = createCodec({ registry: own });

  it('brings the payload of an older version up to date', () => {
    expect(newer.decode(messageOf(goldenBody))).toMatchObject({ title: 'hi', eventVersion: 3 });
    expect(seen).toEqual([1]);
  });

  it('leaves the current version and newer ones alone', () => {
    seen.length = 0;
    expect(newer.decode(messageOf(bodyWith({ event_version: 3, title: 't' })))).toMatchObject({ title: 't' });
    expect(newer.decode(messageOf(bodyWith({ event_version: 4, title: 't' })))).toMatchObject({
      eventVersion: 4,
    });
    expect(seen).toEqual([]);
  });

  it('also works without validation', () => {
    const trusting = createCodec({ registry: own, validateOn: 'publish' });
    expect(trusting.decode(messageOf(goldenBody))).toMatchObject({ title: 'hi', eventVersion: 3 });
    expect(failureOf(messageOf(bodyWith({ text: 'none' })), trusting).message).toContain('not an object');
  });

  it('turns its failure into a DecodeError', () => {
    expect(failureOf(messageOf(bodyWith({ text: 'broken' })), newer).cause).toBeInstanceOf(RangeError);
  });
});

describe('payloadKeys snake_case', () => {
  const own = new EventRegistry();
  const Order = defineEvent({
    type: 'Order',
    aggregateType: 'Order',
    registry: own,
    schema: z.looseObject({
      customerId: z.string(),
      orderLines: z.array(z.object({ unitPrice: z.number() })),
    }),
  });
  const snake = createCodec({ registry: own, payloadKeys: 'snake_case' });
  const payload = { customerId: 'c', orderLines: [{ unitPrice: 1 }], sku2B: { ABC: null } };

  it('writes and reads keys at every depth', () => {
    const event = Order({ ...envelope, ...payload, metadata: { camelCase: 1 } });
    const message = snake.encode(event);
    expect(message.body).toContain(
      '"metadata":{"camelCase":1},"customer_id":"c","order_lines":[{"unit_price":1}],"sku2_b":{"_a_b_c":null}}',
    );
    expect(snake.decode(message)).toEqual(event);
  });

  it.each([
    ['snake_key', { snake_key: 1 }],
    ['nested.snake_key', { nested: { snake_key: 1 } }],
    ['list[0].snake_key', { list: [{ snake_key: 1 }] }],
  ])('refuses the key %s, which would come back changed', (path, more) => {
    const event = Order({ ...envelope, ...payload, ...more });
    expect(() => snake.encode(event)).toThrow(expect.objectContaining({ path }));
  });

  it('refuses a body in which two keys become one', () => {
    const message = snake.encode(Order({ ...envelope, ...payload }));
    const body = (message.body as string).replace('"customer_id"', '"customerId":"x","customer_id"');
    expect(failureOf({ ...message, body }, snake).message).toContain('both become "customerId"');
  });
});

it('refuses options it does not know', () => {
  expect(() => createCodec({ payloadKeys: 'kebab' } as never)).toThrow(ConfigurationError);
  expect(() => createCodec({ validateOn: 'never' } as never)).toThrow(
    /validateOn must be both or publish, not never/,
  );
});
