import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { EncodeError } from '../../../src/errors.ts';
import { createCodec } from '../../../src/events/codec.ts';
import { defineEvent } from '../../../src/events/define-event.ts';
import { EventRegistry } from '../../../src/events/registry.ts';
import { withCausation } from '../../../src/events/with-causation.ts';
import { withMetadata } from '../../../src/events/with-metadata.ts';

const registry = new EventRegistry();
const Paid = defineEvent({
  type: 'Paid',
  aggregateType: 'Order',
  registry,
  schema: z.object({ amount: z.number() }),
});

describe('withCausation', () => {
  it('copies the correlation and names the cause, in a new frozen event', () => {
    const cause = Paid({ aggregateId: 'a', amount: 1 });
    const event = Paid({ aggregateId: 'b', amount: 2 });
    const caused = withCausation(event, cause);
    expect(caused).toEqual({ ...event, causationId: cause.eventId, correlationId: cause.correlationId });
    expect(Object.isFrozen(caused)).toBe(true);
    expect(event.causationId).toBeUndefined();
    expect(JSON.parse(createCodec({ registry }).encode(caused).body as string)).toMatchObject({
      causation_id: cause.eventId,
      amount: 2,
    });
  });

  it('leaves an event written by hand to be checked when it is encoded', () => {
    const byHand = Object.freeze({ ...Paid({ aggregateId: 'a', amount: 1 }), amount: Infinity });
    const caused = withCausation(byHand, byHand);
    expect(() => createCodec({ registry }).encode(caused)).toThrow(EncodeError);
  });
});

describe('withMetadata', () => {
  it('adds and replaces entries, in a new deeply frozen event', () => {
    const event = Paid({ aggregateId: 'a', amount: 1, metadata: { a: 1, b: 2 } });
    const list = [1];
    const changed = withMetadata(event, { b: 3, list });
    list.push(2);
    expect(changed).toEqual({ ...event, metadata: { a: 1, b: 3, list: [1] } });
    expect(Object.isFrozen(changed)).toBe(true);
    expect(Object.isFrozen(changed.metadata['list'])).toBe(true);
    expect(event.metadata).toEqual({ a: 1, b: 2 });
  });

  it('leaves an event written by hand to be checked when it is encoded', () => {
    const byHand = Object.freeze({ ...Paid({ aggregateId: 'a', amount: 1 }), amount: Infinity });
    expect(() => createCodec({ registry }).encode(withMetadata(byHand, { a: 1 }))).toThrow(EncodeError);
  });

  it('refuses what has no JSON form, with its path', () => {
    const event = Paid({ aggregateId: 'a', amount: 1 });
    expect(() => withMetadata(event, { size: 1n })).toThrow(
      expect.objectContaining({ path: 'metadata.size' }),
    );
  });
});
