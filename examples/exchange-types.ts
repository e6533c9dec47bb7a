import { z } from 'zod';
import { defineEvent } from 'buschart';
import { RabbitMQEventBus, type ExchangeType } from 'buschart/rabbitmq';

// What each exchange routes to a group that subscribes to one of two types. What reaches no queue is counted here;
// by default publish would reject with an UnroutableError.

const schema = z.object({ cents: z.int() });
const OrderPlaced = defineEvent({ type: 'OrderPlaced', aggregateType: 'Order', schema });
const OrderPriced = defineEvent({ type: 'OrderPriced', aggregateType: 'Order', schema });

async function show(exchangeType: ExchangeType): Promise<void> {
  const bus = new RabbitMQEventBus({
    rabbitmqUrl: process.env['RABBITMQ_URL'] ?? 'amqp://guest:guest@localhost:5672',
    exchangeName: `${process.env['EXCHANGE'] ?? 'shop'}.${exchangeType}`,
    exchangeType,
    consumerGroup: 'billing',
    onUnroutable: 'warn',
  });
  const handled = new Promise<void>((resolve) => {
    bus.subscribe(OrderPlaced, () => resolve());
  });
  try {
    await bus.startConsumingInBackground(); // the queue stands and is bound from here on
    await bus.publish([
      OrderPriced({ aggregateId: 'order-1', cents: 100 }),
      OrderPlaced({ aggregateId: 'order-1', cents: 100 }),
    ]);
    await handled;
    console.log(`${exchangeType}: ${bus.getStats().eventsUnroutable} of 2 reached no queue`);
  } finally {
    await bus.shutdown();
  }
}

await show('topic');
await show('direct');
await show('headers');
await show('fanout'); // gives every queue everything; the bus passes over what nobody here subscribed to
