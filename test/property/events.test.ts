import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { createCodec } from '../../src/events/codec.ts';
import { defineEvent } from '../../src/events/define-event.ts';
import { EventRegistry } from '../../src/events/registry.ts';
import { formatTime, parseTime } from '../../src/events/wire-time.ts';
import { runSeed } from '../support/seed.ts';

const registry = new EventRegistry();
const Anything = defineEvent({
  type: 'Anything',
  aggregateType: 'Any',
  registry,
  schema: z.object({ value: z.unknown(), at: z.coerce.date() }),
});

const isJsonKey = (key: string): boolean => key !== '__proto__';
const text = fc.string({ unit: 'binary' });
const { json } = fc.letrec((tie) => ({
  json: fc.oneof(
    { maxDepth: 4, withCrossShrink: true },
    fc.constant(null),
    fc.boolean(),
    text,
    fc.double({ noNaN: true, noDefaultInfinity: true }).map((number) => number + 0),
    fc.array(tie('json'), { maxLength: 5 }),
    fc.dictionary(text.filter(isJsonKey), tie('json'), { maxKeys: 5, noNullPrototype: true }),
  ),
}));
const id = text.filter((value) => value !== '');
const time = fc.date({
  min: new Date('0000-01-01T00:00:00Z'),
  max: new Date('9999-12-31T23:59:59.999Z'),
  noInvalidDate: true,
});
const optional = { nil: undefined };
const fields = fc.record({
  aggregateId: id,
  eventId: id,
  correlationId: id,
  tenantId: fc.option(id, optional),
  actorId: fc.option(id, optional),
  causationId: fc.option(id, optional),
  occurredAt: time,
  aggregateVersion: fc.integer({ min: 1 }),
  metadata: fc.dictionary(text.filter(isJsonKey), json, { maxKeys: 3, noNullPrototype: true }),
  value: json,
  at: time,
});

describe('the codec', () => {
  it('gives back every event as it was built, from text and from bytes, checked or not', () => {
    const codec = createCodec({ registry });
    fc.assert(
      fc.property(fields, (given) => {
        const event = Anything(given);
        expect(event).toMatchObject({
          aggregateId: given.aggregateId,
          at: given.at,
          metadata: given.metadata,
        });
        const message = codec.encode(event);
        expect(codec.decode(message)).toEqual(event);
        const bytes = new TextEncoder().encode(message.body as string);
        expect(codec.decode({ ...message, body: bytes })).toEqual(event);
      }),
      { seed: runSeed(), numRuns: 300 },
    );
  });

  it('writes the same JSON as JSON.stringify would', () => {
    const codec = createCodec({ registry });
    fc.assert(
      fc.property(fields, (given) => {
        const body = codec.encode(Anything(given)).body as string;
        expect(JSON.stringify(JSON.parse(body))).toBe(body);
      }),
      { seed: runSeed(), numRuns: 300 },
    );
  });
});

describe('the wire time', () => {
  it('is read as the instant that was written, whatever the day before it was', () => {
    fc.assert(
      fc.property(time, (date) => {
        expect(parseTime(`${formatTime(date)}Z`)).toEqual(date);
        expect(parseTime(`${formatTime(date)}+00:00`)).toEqual(date);
        expect(parseTime(date.toISOString())).toEqual(date);
        expect(new Date(`${formatTime(date)}Z`)).toEqual(date);
      }),
      { seed: runSeed(), numRuns: 500 },
    );
  });
});
