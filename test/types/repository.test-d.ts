import { describe, expectTypeOf, it } from 'vitest';
import { z } from 'zod';
import { defineEvent } from '../../src/index.ts';
import {
  AggregateRepository,
  defineAggregate,
  InMemoryEventStore,
  type AggregateRoot,
} from '../../src/repository/index.ts';
import { ClassicOrder, LineAdded, Order, OrderCreated, registry } from '../unit/repository/orders.ts';

describe('an aggregate', () => {
  it('has the state of its definition, and its commands without their first argument', () => {
    const order = new Order('o-1');
    expectTypeOf(order.state).toEqualTypeOf<{
      customerId: string;
      skus: readonly string[];
      cents: number;
    }>();
    expectTypeOf(order.create).parameters.toEqualTypeOf<[customerId: string]>();
    expectTypeOf(order.add).returns.toHaveProperty('sku');
    // @ts-expect-error a customer is no number
    order.create(1);
    // @ts-expect-error the field is missing
    order.raise(LineAdded, { sku: 'tea' });
    // @ts-expect-error the version is the aggregate's to say
    order.raise(OrderCreated, { customerId: 'c-1', aggregateVersion: 4 });
  });

  it('raises events whose payload is a union with the fields of one member', () => {
    const Paid = defineEvent({
      type: 'Paid',
      aggregateType: 'Order',
      registry,
      schema: z.discriminatedUnion('by', [
        z.object({ by: z.literal('card'), card: z.string() }),
        z.object({ by: z.literal('cash') }),
      ]),
    });
    const use = (order: AggregateRoot<unknown>): void => {
      order.raise(Paid, { by: 'card', card: '4242' });
      order.raise(Paid, { by: 'cash' });
      // @ts-expect-error the card is missing
      order.raise(Paid, { by: 'card' });
    };
    expectTypeOf(use).returns.toBeVoid();
  });

  it('applies each of its events', () => {
    defineAggregate({
      type: 'Order',
      events: [OrderCreated, LineAdded],
      initialState: 0,
      // @ts-expect-error LineAdded is not applied
      apply: { OrderCreated: (count) => count + 1 },
    });
  });

  it('is what its repository loads', () => {
    const eventStore = new InMemoryEventStore();
    const classic = new AggregateRepository({ eventStore, aggregate: ClassicOrder });
    expectTypeOf(classic.createNew('o-1')).toEqualTypeOf<ClassicOrder>();
    const defined = new AggregateRepository({ eventStore, aggregate: Order });
    expectTypeOf(defined.createNew('o-1').state.cents).toBeNumber();
    // @ts-expect-error it is no aggregate
    new AggregateRepository({ eventStore, aggregate: Date });
  });
});
