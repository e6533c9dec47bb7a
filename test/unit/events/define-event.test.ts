import type { StandardSchemaV1 } from '@standard-schema/spec';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { ConfigurationError, DuplicateEventTypeError, EncodeError } from '../../../src/errors.ts';
import { defineEvent } from '../../../src/events/define-event.ts';
import { defaultRegistry, EventRegistry } from '../../../src/events/registry.ts';

const uuid4 = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

const define = (schema: StandardSchemaV1<unknown, object>) =>
  defineEvent({
    type: 'Thing',
    aggregateType: 'Things',
    schema,
    registry: new EventRegistry(),
  }) as unknown as (fields: object) => Record<string, unknown>;

function refusalOf(act: () => unknown): EncodeError {
  try {
    act();
  } catch (error) {
    expect(error).toBeInstanceOf(EncodeError);
    return error as EncodeError;
  }
  throw new Error('nothing was refused');
}

describe('defineEvent', () => {
  const registry = new EventRegistry();
  const OrderCreated = defineEvent({
    type: 'OrderCreated',
    aggregateType: 'Order',
    registry,
    version: 2,
    schema: z.object({
      customerId: z.string(),
      lines: z.array(z.object({ sku: z.string(), price: z.number() })).default([]),
    }),
  });

  it('builds a flat event with the defaults of the envelope', () => {
    const before = Date.now();
    const event = OrderCreated({ aggregateId: 'a1', customerId: 'c1' });
    expect(event).toMatchObject({
      eventType: 'OrderCreated',
      eventVersion: 2,
      aggregateType: 'Order',
      aggregateVersion: 1,
      aggregateId: 'a1',
      metadata: {},
      customerId: 'c1',
      lines: [],
    });
    expect(event.eventId).toMatch(uuid4);
    expect(event.correlationId).toMatch(uuid4);
    expect(event.eventId).not.toBe(event.correlationId);
    expect(event.occurredAt.getTime()).toBeGreaterThanOrEqual(before);
    expect(Object.keys(event)).not.toContain('tenantId');
  });

  it('takes every envelope field that is given', () => {
    const given = {
      aggregateId: 'a',
      eventId: 'e',
      occurredAt: new Date(5),
      aggregateVersion: 7,
      tenantId: 't',
      actorId: 'u',
      correlationId: 'k',
      causationId: 'x',
      metadata: { from: ['a', null] },
    };
    expect(OrderCreated({ ...given, customerId: 'c' })).toMatchObject(given);
  });

  it('names what it is', () => {
    expect(OrderCreated.type).toBe('OrderCreated');
    expect(OrderCreated.name).toBe('OrderCreated');
    expect(OrderCreated.aggregateType).toBe('Order');
    expect(OrderCreated.version).toBe(2);
    expect(registry.get('OrderCreated')).toBe(OrderCreated);
    expect(OrderCreated.is(OrderCreated({ aggregateId: 'a', customerId: 'c' }))).toBe(true);
    expect(
      OrderCreated.is({ ...OrderCreated({ aggregateId: 'a', customerId: 'c' }), eventType: 'Other' }),
    ).toBe(false);
  });

  it('registers in the default registry unless told otherwise', () => {
    const Here = defineEvent({ type: 'define-event.test/Here', aggregateType: 'A', schema: z.object({}) });
    expect(defaultRegistry.get('define-event.test/Here')).toBe(Here);
    defaultRegistry.unregister(Here.type);
  });

  it('refuses a second definition of a type in one registry', () => {
    expect(() =>
      defineEvent({ type: 'OrderCreated', aggregateType: 'Order', schema: z.object({}), registry }),
    ).toThrow(DuplicateEventTypeError);
  });

  it.each([
    ['an empty type', { type: '' }, /type must be/],
    ['an aggregate type with a space', { aggregateType: 'My Order' }, /aggregateType must be.*"My Order"/],
    ['a version of 0', { version: 0 }, /version must be.*not 0/],
    ['something that is no schema', { schema: {} }, /schema must be/],
    ['a payload field in camel case', { schema: z.object({ eventId: z.string() }) }, /"eventId"/],
    ['a payload field in snake case', { schema: z.object({ tenant_id: z.string() }) }, /"tenant_id"/],
  ])('refuses %s', (_, wrong, message) => {
    const options = { type: 'X', aggregateType: 'X', schema: z.object({}), registry: new EventRegistry() };
    const act = (): unknown => defineEvent({ ...options, ...wrong } as never);
    expect(act).toThrow(ConfigurationError);
    expect(act).toThrow(message);
    expect(options.registry.size).toBe(0);
  });

  it('freezes a copy deeply and leaves what it was given as it was', () => {
    const lines = [{ sku: 's', price: 1 }];
    const metadata = { trace: { id: '1' } };
    const event = OrderCreated({ aggregateId: 'a', customerId: 'c', lines, metadata });
    lines[0]!.price = 2;
    metadata.trace.id = '2';
    expect(event.lines).toEqual([{ sku: 's', price: 1 }]);
    expect(event.metadata).toEqual({ trace: { id: '1' } });
    for (const part of [event, event.lines, event.lines[0], event.metadata, event.metadata['trace']]) {
      expect(Object.isFrozen(part)).toBe(true);
    }
  });

  it('copies Dates, so that the caller keeps its own', () => {
    const Dated = define(z.object({ due: z.coerce.date() }));
    const due = new Date(1000);
    const occurredAt = new Date(2000);
    const event = Dated({ aggregateId: 'a', due, occurredAt });
    due.setTime(0);
    occurredAt.setTime(0);
    expect(event['due']).toEqual(new Date(1000));
    expect(event['occurredAt']).toEqual(new Date(2000));
  });

  it.each([
    ['aggregateId', ''],
    ['aggregateId', undefined],
    ['eventId', ''],
    ['correlationId', 5],
    ['tenantId', ''],
    ['actorId', ''],
    ['causationId', ''],
    ['aggregateVersion', 0],
    ['aggregateVersion', 1.5],
    ['occurredAt', new Date(NaN)],
    ['occurredAt', '2026-01-01T00:00:00Z'],
    ['occurredAt', new Date(Date.UTC(10_000, 0))],
    ['metadata', []],
    ['eventType', 'Other'],
    ['aggregateType', 'Other'],
    ['eventVersion', 1],
  ])('refuses the envelope field %s of %j by name', (name, value) => {
    const fields = { aggregateId: 'a', customerId: 'c', [name]: value };
    expect(refusalOf(() => OrderCreated(fields as never)).path).toBe(name);
  });

  it('names the field that its schema refuses', () => {
    const fields = { aggregateId: 'a', customerId: 'c', lines: [{ sku: 's', price: NaN }] };
    const refusal = refusalOf(() => OrderCreated(fields));
    expect(refusal.path).toBe('lines[0].price');
    expect(refusal.message).toContain('OrderCreated');
    expect(refusal.message).toContain('NaN');
  });

  const cyclic: Record<string, unknown> = { name: 'x' };
  cyclic['self'] = [cyclic];
  it.each<[string, unknown, string]>([
    ['NaN', { a: [1, NaN] }, 'any.a[1]'],
    ['Infinity', -Infinity, 'any'],
    ['a BigInt', { n: 1n }, 'any.n'],
    ['a function', { 'odd key': () => 1 }, 'any["odd key"]'],
    ['a symbol', [Symbol('s')], 'any[0]'],
    ['undefined in an array', [1, undefined], 'any[1]'],
    ['a hole in an array', Array(1), 'any[0]'],
    ['a cycle', cyclic, 'any.self[0]'],
    ['a Map', { m: new Map() }, 'any.m'],
    ['a Set', new Set(), 'any'],
    ['a class instance', { u: new URL('http://a.b') }, 'any.u'],
    ['bytes', new Uint8Array(2), 'any'],
    ['an invalid Date', { d: new Date(NaN) }, 'any.d'],
    ['a __proto__ key', JSON.parse('{"__proto__":{"admin":true}}'), 'any.__proto__'],
  ])('refuses %s with its path, in the payload and in the metadata', (_, value, path) => {
    const Loose = define(z.object({ any: z.unknown() }));
    expect(refusalOf(() => Loose({ aggregateId: 'a', any: value })).path).toBe(path);
    expect(refusalOf(() => Loose({ aggregateId: 'a', any: 1, metadata: { any: value } })).path).toBe(
      `metadata.${path}`,
    );
    expect(({} as { admin?: unknown }).admin).toBeUndefined();
  });

  it('names the path of a cycle that a recursive schema overflows on', () => {
    const node: z.ZodType<{ next: unknown }> = z.object({ next: z.lazy(() => node) });
    const Recursive = define(z.object({ node }));
    const loop: { next?: unknown } = {};
    loop.next = loop;
    expect(refusalOf(() => Recursive({ aggregateId: 'a', node: loop })).path).toBe('node.next');
  });

  it('refuses what is nested too deeply to be written', () => {
    let deep: unknown = 1;
    for (let level = 0; level < 600; level += 1) deep = [deep];
    const Loose = define(z.object({ any: z.unknown() }));
    const { message, path } = refusalOf(() => Loose({ aggregateId: 'a', any: deep }));
    expect(message).toContain('nested deeper than 500');
    expect(path).toBe(`any${'[0]'.repeat(11)}…${'[0]'.repeat(4)}`);
    expect(message.length).toBeLessThan(200);
  });

  it('shows both ends of a long path and the beginning of a long key', () => {
    const keys = Array.from({ length: 30 }, (_, index) => `k${index}`);
    const deep = keys.reduceRight<unknown>((value, key) => ({ [key]: value }), NaN);
    const Loose = define(z.object({ any: z.unknown() }));
    expect(refusalOf(() => Loose({ aggregateId: 'a', any: deep })).path).toBe(
      `any.${keys.slice(0, 11).join('.')}….${keys.slice(-4).join('.')}`,
    );
    const wide = { ['x'.repeat(100_000)]: NaN };
    expect(refusalOf(() => Loose({ aggregateId: 'a', any: wide })).message.length).toBeLessThan(200);
  });

  it('carries the same object twice where it is no cycle', () => {
    const shared = { a: 1 };
    const event = define(z.object({ any: z.unknown() }))({ aggregateId: 'a', any: [shared, shared] });
    expect(event['any']).toEqual([{ a: 1 }, { a: 1 }]);
  });

  it('drops undefined properties and turns -0 into 0', () => {
    const event = define(z.object({ any: z.unknown() }))({ aggregateId: 'a', any: { x: undefined, y: -0 } });
    expect(Object.keys(event['any'] as object)).toEqual(['y']);
    expect(Object.is((event['any'] as { y: number }).y, 0)).toBe(true);
  });

  it('refuses a Date in the metadata, which has no schema to turn it back', () => {
    expect(
      refusalOf(() => OrderCreated({ aggregateId: 'a', customerId: 'c', metadata: { at: new Date() } })).path,
    ).toBe('metadata.at');
  });

  it('refuses an envelope name when the schema did not show it', () => {
    const Hidden = define(z.record(z.string(), z.unknown()));
    expect(refusalOf(() => Hidden({ aggregateId: 'a', event_id: 'mine' })).path).toBe('event_id');
    const Renaming = define(z.object({ a: z.string() }).transform(({ a }) => ({ actorId: a })));
    expect(refusalOf(() => Renaming({ aggregateId: 'a', a: 'x' })).path).toBe('actorId');
  });

  it('keeps keys that objects inherit as plain data', () => {
    const Loose = define(z.looseObject({}));
    const event = Loose({ aggregateId: 'a', constructor: 'c', toString: 't', hasOwnProperty: [1] });
    expect(Object.entries(event)).toEqual(expect.arrayContaining([['constructor', 'c']]));
    expect(event['hasOwnProperty']).toEqual([1]);
  });

  it('refuses the first event when its schema would not give it back', () => {
    const Dated = define(z.object({ at: z.object({ due: z.date() }) }));
    const refusal = refusalOf(() => Dated({ aggregateId: 'a', at: { due: new Date() } }));
    expect(refusal.path).toBe('at.due');
    expect(refusal.message).toContain('z.coerce.date()');

    const Doubling = define(z.object({ n: z.array(z.number().transform((n) => n * 2)) }));
    expect(refusalOf(() => Doubling({ aggregateId: 'a', n: [0, 1] })).path).toBe('n[1]');

    const Length = define(z.object({ n: z.string().transform((s) => s.length) }));
    expect(refusalOf(() => Length({ aggregateId: 'a', n: 'abc' })).path).toBe('n');
    expect(refusalOf(() => Length({ aggregateId: 'a', n: 'abc' })).path).toBe('n');
  });

  it('refuses an asynchronous schema', () => {
    const Async = define(z.object({ a: z.string().refine(async () => true) }));
    expect(() => Async({ aggregateId: 'a', a: 'x' })).toThrow(ConfigurationError);
  });

  it('refuses a schema that puts out no object', () => {
    const List = define(z.preprocess(() => [1], z.array(z.number())));
    expect(() => List({ aggregateId: 'a' })).toThrow(ConfigurationError);
  });

  it('tells of a schema that throws', () => {
    const cause = new TypeError('boom');
    const Throwing = define(
      z.object({
        a: z.string().refine(() => {
          throw cause;
        }),
      }),
    );
    expect(refusalOf(() => Throwing({ aggregateId: 'a', a: 'x' })).cause).toBe(cause);
  });

  it('takes any Standard Schema', () => {
    const schema: StandardSchemaV1<{ n: number }, { n: number }> = {
      '~standard': {
        version: 1,
        vendor: 'handmade',
        validate: (value) => {
          const { n } = value as { n: unknown };
          return typeof n === 'number'
            ? { value: { n } }
            : { issues: [{ message: 'no number', path: [{ key: 'n' }] }] };
        },
      },
    };
    const Handmade = define(schema);
    expect(Handmade({ aggregateId: 'a', n: 3 })['n']).toBe(3);
    expect(refusalOf(() => Handmade({ aggregateId: 'a', n: 'x' })).path).toBe('n');
  });
});
