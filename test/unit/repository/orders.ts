import { z } from 'zod';
import { defineEvent } from '../../../src/events/define-event.ts';
import { EventRegistry } from '../../../src/events/registry.ts';
import { AggregateRoot, defineAggregate } from '../../../src/repository/index.ts';
import type { DomainEvent } from '../../../src/contracts/event.ts';

export const registry = new EventRegistry();

export const OrderCreated = defineEvent({
  type: 'OrderCreated',
  aggregateType: 'Order',
  schema: z.object({ customerId: z.string() }),
  registry,
});

export const LineAdded = defineEvent({
  type: 'LineAdded',
  aggregateType: 'Order',
  schema: z.object({ sku: z.string(), cents: z.int() }),
  registry,
});

/** By defineAggregate. */
export const Order = defineAggregate({
  type: 'Order',
  events: [OrderCreated, LineAdded],
  initialState: { customerId: '', skus: [] as readonly string[], cents: 0 },
  apply: {
    OrderCreated: (state, { customerId }) => ({ ...state, customerId }),
    LineAdded(state, { sku, cents }) {
      return { ...state, skus: [...state.skus, sku], cents: state.cents + cents };
    },
  },
  commands: {
    create(order, customerId: string) {
      if (order.version > 0) throw new Error('The order is there already.');
      order.raise(OrderCreated, { customerId });
    },
    add(order, sku: string, cents: number) {
      return order.raise(LineAdded, { sku, cents });
    },
  },
});

interface ClassicState {
  readonly skus: readonly string[];
}

/** The same as a class. */
export class ClassicOrder extends AggregateRoot<ClassicState> {
  readonly aggregateType = 'Order';

  add(sku: string): void {
    this.raise(LineAdded, { sku, cents: 1 });
  }

  protected initialState(): ClassicState {
    return { skus: [] };
  }

  protected evolve(state: ClassicState, event: DomainEvent): ClassicState {
    return LineAdded.is(event) ? { skus: [...state.skus, event.sku] } : state;
  }
}
