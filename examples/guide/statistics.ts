import { z } from 'zod';
import { defineEvent, InMemoryEventBus } from 'buschart';

const OrderCreated = defineEvent({
  type: 'OrderCreated',
  aggregateType: 'Order',
  schema: z.object({ customerId: z.string() }),
});

const bus = new InMemoryEventBus({ enableTracing: false });
bus.subscribe(OrderCreated, () => undefined, { name: 'projection' });
bus.subscribe(
  OrderCreated,
  ({ customerId }) => {
    if (customerId === 'nobody') throw new Error('no such customer');
  },
  { name: 'mailer' },
);
await bus.publish(OrderCreated({ aggregateId: 'order-1', customerId: 'ada' }));
await bus.publish(OrderCreated({ aggregateId: 'order-2', customerId: 'nobody' }), { background: true });

console.log(await bus.shutdown({ timeoutMs: 30_000 })); // waits for what was published in the background

const { eventsPublished, handlersInvoked, handlerErrors, backgroundTasksCreated, backgroundTasksCompleted } =
  bus.getStats();
console.log({ eventsPublished, handlersInvoked, handlerErrors });
console.log({ backgroundTasksCreated, backgroundTasksCompleted });
