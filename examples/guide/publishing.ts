import { z } from 'zod';
import { defineEvent, InMemoryEventBus } from 'buschart';

const OrderCreated = defineEvent({
  type: 'OrderCreated',
  aggregateType: 'Order',
  schema: z.object({ customerId: z.string() }),
});
const created = (aggregateId: string) => OrderCreated({ aggregateId, customerId: 'customer-123' });

await using bus = new InMemoryEventBus();
bus.subscribe(OrderCreated, async ({ aggregateId }) => {
  await new Promise((resolve) => setTimeout(resolve, 5));
  console.log(`handled ${aggregateId}`);
});

// Settles when every handler of both has ended, one event after the other.
await bus.publish([created('order-1'), created('order-2')]);
console.log('published two');

// Settles at once; what fails is logged and counted.
await bus.publish(created('order-3'), { background: true });
console.log('published in the background');
await bus.idle();
