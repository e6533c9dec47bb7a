import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { ConfigurationError, EncodeError, EventTypeNotFoundError } from '../../../src/errors.ts';
import { defineEvent } from '../../../src/events/define-event.ts';
import { defineAggregate, EventStreamError } from '../../../src/repository/index.ts';
import { ClassicOrder, LineAdded, Order, OrderCreated, registry } from './orders.ts';

describe('an aggregate', () => {
  it('has the state that its events lead to, raised or replayed', () => {
    const order = new Order('o-1');
    order.create('c-1');
    order.add('tea', 250);
    expect(order.state).toEqual({ customerId: 'c-1', skus: ['tea'], cents: 250 });

    const again = new Order('o-1');
    for (const event of order.uncommittedEvents) again.replay(event);
    expect(again.state).toEqual(order.state);
    expect(again.version).toBe(2);
    expect(again.uncommittedEvents).toEqual([]);
  });

  it('gives its events its id and the versions that come next', () => {
    const order = new Order('o-1');
    order.create('c-1');
    const line = order.add('tea', 250);
    expect(line).toMatchObject({ aggregateId: 'o-1', aggregateVersion: 2, sku: 'tea' });
    expect(order.uncommittedEvents.map(({ aggregateVersion }) => aggregateVersion)).toEqual([1, 2]);
  });

  it('shares its initial state with no other', () => {
    const Basket = defineAggregate({
      type: 'Order',
      events: [LineAdded],
      initialState: { skus: [] as string[] },
      apply: {
        LineAdded(state, { sku }) {
          state.skus.push(sku);
          return state;
        },
      },
    });
    new Basket('a').raise(LineAdded, { sku: 'tea', cents: 1 });
    expect(new Basket('b').state.skus).toEqual([]);
  });

  it('is unchanged by an event that cannot be built, or is of another aggregate type', () => {
    const Elsewhere = defineEvent({
      type: 'Elsewhere',
      aggregateType: 'Other',
      schema: z.object({}),
      registry,
    });
    const order = new Order('o-1');
    expect(() => order.raise(LineAdded, { sku: 'tea', cents: 0.5 })).toThrow(EncodeError);
    expect(() => order.raise(Elsewhere, {})).toThrow(EventStreamError);
    expect([order.version, order.uncommittedEvents]).toEqual([0, []]);
  });

  it('refuses a past with a gap, a double, or events of another', () => {
    const past = new Order('o-1');
    past.create('c-1');
    past.add('tea', 1);
    const [created, added] = past.uncommittedEvents;
    const order = new Order('o-1');
    expect(() => order.replay(added!)).toThrow('has version 2, where 1 comes next');
    order.replay(created!);
    expect(() => order.replay(created!)).toThrow('has version 1, where 2 comes next');
    expect(() => new Order('o-2').replay(created!)).toThrow('is of Order "o-1"');
    expect(() => new Order('o-2').replay(created!)).toThrow(EventStreamError);
  });

  it('refuses a past behind what it raised', () => {
    const order = new Order('o-1');
    order.create('c-1');
    expect(() => order.replay(order.uncommittedEvents[0]!)).toThrow(ConfigurationError);
  });

  it('names an event that nothing applies', () => {
    const Unapplied = defineAggregate({
      type: 'Order',
      initialState: 0,
      apply: { OrderCreated: (count) => count + 1 },
    });
    const order = new Unapplied('o-1');
    order.raise(OrderCreated, { customerId: 'c-1' });
    expect(order.state).toBe(1);
    expect(() => order.raise(LineAdded, { sku: 'tea', cents: 1 })).toThrow(EventTypeNotFoundError);
    expect(() => order.raise(LineAdded, { sku: 'tea', cents: 1 })).toThrow('known: OrderCreated');
  });

  it('may be a class', () => {
    const order = new ClassicOrder('o-1');
    order.add('tea');
    order.add('milk');
    expect(order.state).toEqual({ skus: ['tea', 'milk'] });
  });

  it('refuses definitions that cannot work', () => {
    const apply = { OrderCreated: (state: number) => state };
    const base = { type: 'Invoice', initialState: 0, apply };
    expect(() => defineAggregate({ ...base, events: [OrderCreated] })).toThrow('an event of "Order"');
    expect(() => defineAggregate({ ...base, type: 'Order', events: [LineAdded] } as never)).toThrow(
      'nothing applies LineAdded',
    );
    expect(() => defineAggregate({ ...base, commands: { raise: () => 1 } })).toThrow('called "raise"');
    expect(() => new Order('')).toThrow(ConfigurationError);
  });
});
