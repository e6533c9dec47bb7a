import { z } from 'zod';
import { defineEvent, InMemoryEventBus, type AnyEvent, type EventOf } from 'buschart';

const OrderCreated = defineEvent({
  type: 'OrderCreated',
  aggregateType: 'Order',
  schema: z.object({ customerId: z.string() }),
});
const OrderShipped = defineEvent({
  type: 'OrderShipped',
  aggregateType: 'Order',
  schema: z.object({ parcels: z.int() }),
});

await using bus = new InMemoryEventBus();

// 1. One type: a function, sync or async, or an object with `handle`.
bus.subscribe(OrderCreated, (event) => console.log(`function: ${event.customerId}`));

class NotificationService {
  async handle(event: EventOf<typeof OrderCreated>) {
    console.log(`object: mail to ${event.customerId}`);
  }
}
bus.subscribe(OrderCreated, new NotificationService());

// 2. All types that it declares itself, such as a projection.
class OrderProjection {
  subscribedTo() {
    return [OrderCreated, OrderShipped];
  }
  handle(event: EventOf<typeof OrderCreated> | EventOf<typeof OrderShipped>) {
    if (OrderShipped.is(event)) console.log(`projection: ${event.parcels} parcels`);
    else console.log(`projection: order of ${event.customerId}`);
  }
}
bus.subscribeAll(new OrderProjection());

// 3. Every type there is.
bus.subscribeToAllEvents((event: AnyEvent) => console.log(`audit: ${event.eventType}`), { name: 'audit' });

await bus.publish([
  OrderCreated({ aggregateId: 'order-1', customerId: 'ada' }),
  OrderShipped({ aggregateId: 'order-1', parcels: 2, aggregateVersion: 2 }),
]);
