import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import { defineEvent } from 'buschart';
import { KafkaEventBus } from 'buschart/kafka';

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

{
  // At the end of the block it is shut down, as graceful as by shutdown().
  await using bus = new KafkaEventBus({
    bootstrapServers: process.env['KAFKA_BOOTSTRAP_SERVERS'] ?? 'localhost:9092',
    topicPrefix: process.env['TOPIC_PREFIX'] ?? 'myapp.events',
    consumerGroup: 'projections',
    acks: 'all',
    compressionType: 'gzip',
    maxRetries: 3,
    enableDlq: true,
    enableTracing: true,
    enableMetrics: true,
  });
  await bus.connect();

  let shipped: () => void;
  const isShipped = new Promise<void>((resolve) => (shipped = resolve));
  bus.subscribe(OrderCreated, ({ customerId }) => console.log(`created for ${customerId}`));
  bus.subscribe(OrderShipped, ({ parcels }) => {
    console.log(`shipped in ${parcels}`);
    shipped();
  });
  await bus.startConsumingInBackground(); // resolves once it consumes

  const aggregateId = randomUUID();
  await bus.publish([
    OrderCreated({ aggregateId, customerId: 'ada' }),
    OrderShipped({ aggregateId, parcels: 2 }), // the same aggregate, so the same partition
  ]);
  await isShipped;
}
console.log('closed');
