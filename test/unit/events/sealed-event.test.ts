import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import type { DomainEvent } from '../../../src/contracts/event.ts';
import { EncodeError } from '../../../src/errors.ts';
import { createCodec } from '../../../src/events/codec.ts';
import { defineEvent } from '../../../src/events/define-event.ts';
import { EventRegistry } from '../../../src/events/registry.ts';
import { sealEvent } from '../../../src/events/sealed-event.ts';
import { withCausation } from '../../../src/events/with-causation.ts';
import { withMetadata } from '../../../src/events/with-metadata.ts';

const registry = new EventRegistry();
const Counted = defineEvent({
  type: 'Counted',
  aggregateType: 'Counter',
  registry,
  schema: z.object({ n: z.number() }),
});
const counted = () => Counted({ aggregateId: 'a', n: 1 });
const codec = createCodec({ registry });

describe('what is published', () => {
  it.each<[string, () => DomainEvent]>([
    ['its definition built', counted],
    ['the codec read', () => codec.decode(codec.encode(counted()))],
    ['withCausation derived from such an event', () => withCausation(counted(), counted())],
    ['withMetadata derived from such an event', () => withMetadata(counted(), { by: 'me' })],
  ])('is taken as it is when %s', (_, make) => {
    const event = make();
    expect(sealEvent(event, registry)).toBe(event);
  });

  it('is built anew when it was changed by hand, frozen or not', () => {
    for (const byHand of [{ ...counted(), n: 2 }, Object.freeze({ ...counted(), n: 2 })]) {
      const sealed = sealEvent(byHand, registry);
      expect(sealed).not.toBe(byHand);
      expect(sealed).toEqual(byHand);
      expect(sealEvent(sealed, registry)).toBe(sealed);
    }
  });

  it.each<[string, () => object]>([
    ['a changed copy that its schema refuses', () => Object.freeze({ ...counted(), n: 'bad' })],
    ['a frozen object with a type alone', () => Object.freeze({ eventType: 'Counted' })],
    ['a frozen object of an unknown type', () => Object.freeze({ eventType: 'A' })],
    ['an object that inherits from an event', () => Object.freeze(Object.create(counted()))],
  ])('is refused when it is %s', (_, make) => {
    const event = make() as DomainEvent;
    expect(() => sealEvent(event, registry)).toThrow(EncodeError);
    expect(() => codec.encode(event)).toThrow(EncodeError);
  });
});
