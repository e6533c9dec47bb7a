import { describe, expectTypeOf, it } from 'vitest';
import { z } from 'zod';
import {
  defineEvent,
  EventRegistry,
  type BrokerEventBus,
  type DomainEvent,
  type DrainReport,
  type EventBus,
  type EventOf,
  type HandlerContext,
  type InMemoryEventBus,
  type InMemoryEventBusOptions,
  type Subscription,
} from '../../src/index.ts';

const registry = new EventRegistry();
const OrderCreated = defineEvent({
  type: 'OrderCreated',
  aggregateType: 'Order',
  registry,
  schema: z.object({ customerId: z.string() }),
});
const OrderPaid = defineEvent({
  type: 'OrderPaid',
  aggregateType: 'Order',
  registry,
  schema: z.object({ amount: z.number() }),
});
declare const bus: EventBus;

describe('a handler', () => {
  it('gets the payload of its one definition without a cast, and the context', () => {
    const use = (): void => {
      bus.subscribe(OrderCreated, (event, context) => {
        expectTypeOf(event.customerId).toBeString();
        expectTypeOf(event.eventType).toEqualTypeOf<'OrderCreated'>();
        expectTypeOf(context).toEqualTypeOf<HandlerContext>();
      });
      bus.subscribe(OrderCreated, { handle: (event) => expectTypeOf(event.customerId).toBeString() });
      bus.subscribe(OrderCreated, async (event) => {
        await Promise.resolve();
        expectTypeOf(event.aggregateId).toBeString();
      });
    };
    expectTypeOf(use).returns.toBeVoid();
  });

  it('gets the union of a list of definitions, told apart by eventType', () => {
    const use = (): void => {
      bus.subscribe([OrderCreated, OrderPaid], (event) => {
        expectTypeOf(event).toEqualTypeOf<EventOf<typeof OrderCreated> | EventOf<typeof OrderPaid>>();
        if (event.eventType === 'OrderPaid') expectTypeOf(event.amount).toBeNumber();
        else expectTypeOf(event.customerId).toBeString();
      });
    };
    expectTypeOf(use).returns.toBeVoid();
  });

  it('of subscribeAll may narrow to its own types, and of all events gets the envelope', () => {
    class Projection {
      subscribedTo() {
        return [OrderCreated, OrderPaid];
      }
      handle(event: EventOf<typeof OrderCreated> | EventOf<typeof OrderPaid>): string {
        return event.eventType === 'OrderPaid' ? String(event.amount) : event.customerId;
      }
    }
    const use = (): void => {
      expectTypeOf(bus.subscribeAll(new Projection())).toEqualTypeOf<Subscription>();
      bus.subscribeToAllEvents((event) => {
        expectTypeOf(event).toEqualTypeOf<DomainEvent>();
        if (OrderCreated.is(event)) expectTypeOf(event.customerId).toBeString();
      });
    };
    expectTypeOf(use).returns.toBeVoid();
  });

  it('of another type is refused', () => {
    const wrong = (): void => {
      // @ts-expect-error it handles another event
      bus.subscribe(OrderCreated, (event: EventOf<typeof OrderPaid>) => event.amount);
      // @ts-expect-error so does this object
      bus.subscribe(OrderCreated, { handle: (event: EventOf<typeof OrderPaid>) => event.amount });
      // @ts-expect-error no such field
      bus.subscribe(OrderCreated, (event) => event.amount);
      // @ts-expect-error one of the two hasn't got it
      bus.subscribe([OrderCreated, OrderPaid], (event) => event.amount);
      // @ts-expect-error no handler
      bus.subscribe(OrderCreated, 'handler');
      // @ts-expect-error no definition
      bus.subscribe('OrderCreated', () => undefined);
      // @ts-expect-error no handle method
      bus.subscribeAll({ subscribedTo: () => [OrderCreated] });
      // @ts-expect-error events are read-only
      bus.subscribe(OrderCreated, (event) => (event.customerId = 'x'));
    };
    expectTypeOf(wrong).returns.toBeVoid();
  });
});

describe('publish', () => {
  it('takes an event or a read-only list of several types', () => {
    const use = (): void => {
      const created = OrderCreated({ aggregateId: 'a', customerId: 'c' });
      const list = [created, OrderPaid({ aggregateId: 'a', amount: 1 })] as const;
      expectTypeOf(bus.publish(created)).toEqualTypeOf<Promise<void>>();
      expectTypeOf(bus.publish(list, { background: true })).toEqualTypeOf<Promise<void>>();
    };
    expectTypeOf(use).returns.toBeVoid();
  });

  it('refuses wrong payloads, what is no event, and unknown options', () => {
    const wrong = (): void => {
      // @ts-expect-error customerId is a string
      void bus.publish(OrderCreated({ aggregateId: 'a', customerId: 5 }));
      // @ts-expect-error no event
      void bus.publish({ customerId: 'c' });
      // @ts-expect-error a definition isn't an event
      void bus.publish([OrderCreated]);
      // @ts-expect-error no such option
      void bus.publish([], { inBackground: true });
    };
    expectTypeOf(wrong).returns.toBeVoid();
  });
});

describe('resources', () => {
  it('are ended by using and await using', () => {
    const use = async (): Promise<void> => {
      await using scoped = bus;
      await using consumption = await scoped.startConsumingInBackground();
      using subscription = scoped.subscribe(OrderCreated, () => undefined);
      expectTypeOf(subscription).toExtend<Disposable>();
      expectTypeOf(consumption.stop()).toEqualTypeOf<Promise<DrainReport>>();
    };
    expectTypeOf(use).returns.toEqualTypeOf<Promise<void>>();
  });
});

describe('the in-memory bus', () => {
  it('can stand in for a bus on a broker', () => {
    expectTypeOf<InMemoryEventBus>().toExtend<BrokerEventBus>();
  });

  it('has options with fixed words', () => {
    expectTypeOf<InMemoryEventBusOptions['ordering']>().toEqualTypeOf<'key' | 'none' | undefined>();
    // @ts-expect-error no such option
    const unknown: InMemoryEventBusOptions = { redisUrl: 'redis://localhost' };
    // @ts-expect-error no such word
    const wrong: InMemoryEventBusOptions = { onUnwanted: 'drop' };
    expectTypeOf(unknown).toEqualTypeOf(wrong);
  });
});
