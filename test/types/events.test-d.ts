import { describe, expectTypeOf, it } from 'vitest';
import { z } from 'zod';
import type { DomainEvent } from '../../src/contracts/event.ts';
import { defineEvent } from '../../src/events/define-event.ts';
import type { AnyEventDefinition, EventOf } from '../../src/events/event-definition.ts';
import { EventRegistry } from '../../src/events/registry.ts';
import type { withCausation } from '../../src/events/with-causation.ts';

const registry = new EventRegistry();
const OrderCreated = defineEvent({
  type: 'OrderCreated',
  aggregateType: 'Order',
  registry,
  schema: z.object({
    customerId: z.string(),
    due: z.coerce.date().optional(),
    note: z.string().default(''),
    lines: z.array(z.object({ sku: z.string() })).default([]),
  }),
});
type OrderCreated = EventOf<typeof OrderCreated>;

describe('an event', () => {
  it('has the payload as its schema puts it out, deeply read-only', () => {
    expectTypeOf<OrderCreated>().toExtend<DomainEvent>();
    expectTypeOf<OrderCreated['eventType']>().toEqualTypeOf<'OrderCreated'>();
    expectTypeOf<OrderCreated['customerId']>().toEqualTypeOf<string>();
    expectTypeOf<OrderCreated['note']>().toEqualTypeOf<string>();
    expectTypeOf<OrderCreated['due']>().toEqualTypeOf<Date | undefined>();
    expectTypeOf<OrderCreated['lines']>().toEqualTypeOf<readonly { readonly sku: string }[]>();
    const change = (event: OrderCreated): void => {
      // @ts-expect-error it is read-only
      event.customerId = 'x';
      // @ts-expect-error deeply
      event.lines.push({ sku: 'x' });
    };
    expectTypeOf(change).returns.toBeVoid();
  });

  it('is narrowed by its definition', () => {
    const read = (event: DomainEvent): string | undefined =>
      OrderCreated.is(event) ? event.customerId : undefined;
    expectTypeOf(read).returns.toEqualTypeOf<string | undefined>();
  });

  it('keeps its type through withCausation', () => {
    expectTypeOf<typeof withCausation<OrderCreated>>().returns.toEqualTypeOf<OrderCreated>();
  });

  it('is a union where its payload is one', () => {
    const Paid = defineEvent({
      type: 'Paid',
      aggregateType: 'Order',
      registry,
      schema: z.discriminatedUnion('by', [
        z.object({ by: z.literal('card'), card: z.string() }),
        z.object({ by: z.literal('cash') }),
      ]),
    });
    const read = (event: EventOf<typeof Paid>): string =>
      event.by === 'card' ? event.card : event.aggregateId;
    expectTypeOf(read).returns.toBeString();
  });

  it('may have an empty payload, a loose one, or one of recursive JSON', () => {
    const schemas = {
      empty: z.object({}),
      loose: z.looseObject({ a: z.number() }),
      json: z.object({ j: z.json() }),
    };
    const Empty = defineEvent({ type: 'Empty', aggregateType: 'E', registry, schema: schemas.empty });
    const Loose = defineEvent({ type: 'Loose', aggregateType: 'E', registry, schema: schemas.loose });
    const Json = defineEvent({ type: 'Json', aggregateType: 'E', registry, schema: schemas.json });
    const Counts = defineEvent({
      type: 'Counts',
      aggregateType: 'E',
      registry,
      schema: z.record(z.string(), z.number()),
    });
    expectTypeOf(Empty({ aggregateId: 'a' }).aggregateId).toBeString();
    expectTypeOf(Loose({ aggregateId: 'a', a: 1, more: true }).a).toBeNumber();
    expectTypeOf({ ...Json({ aggregateId: 'a', j: [{ k: null }] }), j: 1 }.aggregateId).toBeString();
    expectTypeOf(Counts({ aggregateId: 'a', x: 1 }).aggregateId).toBeString();
  });
});

describe('building an event', () => {
  it('takes the input of the schema, and read-only values', () => {
    const lines: readonly { readonly sku: string }[] = [];
    expectTypeOf(OrderCreated({ aggregateId: 'a', customerId: 'c', lines })).toEqualTypeOf<OrderCreated>();
    expectTypeOf(OrderCreated).toExtend<AnyEventDefinition>();
  });

  it('refuses a wrong payload', () => {
    const wrong = (): void => {
      // @ts-expect-error customerId is missing
      OrderCreated({ aggregateId: 'a' });
      // @ts-expect-error aggregateId is missing
      OrderCreated({ customerId: 'c' });
      // @ts-expect-error customerId is a string
      OrderCreated({ aggregateId: 'a', customerId: 5 });
      // @ts-expect-error no such field
      OrderCreated({ aggregateId: 'a', customerId: 'c', custmerId: 'd' });
      // @ts-expect-error the type is the definition's
      OrderCreated({ aggregateId: 'a', customerId: 'c', eventType: 'Other' });
    };
    expectTypeOf(wrong).returns.toBeVoid();
  });
});

describe('defining an event', () => {
  it('refuses payload fields with envelope names, and payloads that are no objects', () => {
    const wrong = (): void => {
      // @ts-expect-error camel case
      defineEvent({ type: 'A', aggregateType: 'A', schema: z.object({ eventId: z.string() }) });
      // @ts-expect-error snake case
      defineEvent({ type: 'B', aggregateType: 'A', schema: z.object({ tenant_id: z.string() }) });
      const either = z.object({ a: z.string() }).or(z.object({ metadata: z.string() }));
      // @ts-expect-error in one member of a union
      defineEvent({ type: 'C', aggregateType: 'A', schema: either });
      // @ts-expect-error a string
      defineEvent({ type: 'D', aggregateType: 'A', schema: z.string() });
      // @ts-expect-error a list
      defineEvent({ type: 'E', aggregateType: 'A', schema: z.array(z.string()) });
    };
    expectTypeOf(wrong).returns.toBeVoid();
  });
});
