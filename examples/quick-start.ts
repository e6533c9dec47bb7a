import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import { defineEvent, InMemoryEventBus } from 'buschart';

const OrderCreated = defineEvent({
  type: 'OrderCreated',
  aggregateType: 'Order',
  schema: z.object({ customerId: z.string() }),
});

await using bus = new InMemoryEventBus();
bus.subscribe(OrderCreated, (event) => {
  console.log(`Order ${event.aggregateId} created for ${event.customerId}`);
});
await bus.publish(OrderCreated({ aggregateId: randomUUID(), customerId: 'customer-123' }));
