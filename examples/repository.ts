import { z } from 'zod';
import { defineEvent, InMemoryEventBus } from 'buschart';
import {
  AggregateRepository,
  defineAggregate,
  InMemoryEventStore,
  OptimisticLockError,
} from 'buschart/repository';

const OrderCreated = defineEvent({
  type: 'OrderCreated',
  aggregateType: 'Order',
  schema: z.object({ customerId: z.string() }),
});
const OrderShipped = defineEvent({
  type: 'OrderShipped',
  aggregateType: 'Order',
  schema: z.object({ parcels: z.int().min(1) }),
});

interface OrderState {
  readonly status: 'new' | 'open' | 'shipped';
}

const Order = defineAggregate({
  type: 'Order',
  events: [OrderCreated, OrderShipped],
  initialState: { status: 'new' } as OrderState,
  apply: {
    OrderCreated: (): OrderState => ({ status: 'open' }),
    OrderShipped: (): OrderState => ({ status: 'shipped' }),
  },
  commands: {
    create(order, customerId: string) {
      order.raise(OrderCreated, { customerId });
    },
    ship(order, parcels: number) {
      if (order.state.status !== 'open')
        throw new Error(`an order that is ${order.state.status} can't be shipped`);
      order.raise(OrderShipped, { parcels });
    },
  },
});

await using bus = new InMemoryEventBus();
bus.subscribeToAllEvents(({ eventType, aggregateVersion }) => {
  console.log(`published: ${eventType}, version ${aggregateVersion}`);
});

const orders = new AggregateRepository({
  eventStore: new InMemoryEventStore(),
  aggregate: Order,
  eventPublisher: bus,
});

const order = orders.createNew('order-1');
order.create('customer-123');
await orders.save(order); // stores, then publishes

const [mine, yours] = [await orders.load('order-1'), await orders.load('order-1')];
mine.ship(2);
await orders.save(mine);
yours.ship(3);
await orders.save(yours).catch((error: unknown) => {
  if (!(error instanceof OptimisticLockError)) throw error;
  console.log(`refused: expected version ${error.expected}, is ${error.actual}`);
});
console.log(await orders.getVersion('order-1'), (await orders.load('order-1')).state.status);
