import { z } from 'zod';
import { defineEvent } from 'buschart';
import { RabbitMQEventBus } from 'buschart/rabbitmq';

const InvoicePaid = defineEvent({
  type: 'InvoicePaid',
  aggregateType: 'Invoice',
  schema: z.object({ cents: z.int() }),
});

const bus = new RabbitMQEventBus({
  rabbitmqUrl: process.env['RABBITMQ_URL'] ?? 'amqp://guest:guest@localhost:5672',
  exchangeName: process.env['EXCHANGE'] ?? 'myapp', // a durable topic exchange; the routing key is Invoice.InvoicePaid
  exchangeType: 'topic', // or 'direct', 'fanout', 'headers'
  consumerGroup: 'accounting', // has the quorum queue myapp.accounting
  prefetchCount: 10,
});
const stop = new AbortController();
process.once('SIGTERM', () => stop.abort());

bus.subscribe(InvoicePaid, (event) => {
  console.log(`${event.cents} cents for ${event.aggregateId}`);
  if (event.cents === 2) stop.abort();
});

try {
  const consuming = bus.startConsuming({ signal: stop.signal }); // settles when consuming has ended
  await bus.waitFor('consuming'); // the queue stands and is bound from here on
  await bus.publish([1, 2].map((cents) => InvoicePaid({ aggregateId: 'invoice-1', cents })));
  await consuming;
} finally {
  await bus.shutdown();
}
