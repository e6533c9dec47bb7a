import { setTimeout as pause } from 'node:timers/promises';
import { z } from 'zod';
import { defineEvent } from 'buschart';
import { RedisEventBus } from 'buschart/redis';

const OrderCreated = defineEvent({
  type: 'OrderCreated',
  aggregateType: 'Order',
  schema: z.object({ customerId: z.string() }),
});

const bus = new RedisEventBus({
  redisUrl: process.env['REDIS_URL'] ?? 'redis://localhost:6379',
  streamPrefix: process.env['STREAM_PREFIX'] ?? 'orders',
  consumerGroup: 'processors',
  consumerName: 'worker-1', // of this process; in the same group, worker-2 shares the work
  batchSize: 100,
  retry: { maxRetries: 3, baseDelayMs: 10 },
  enableDlq: true, // as it is by default
});

let isMended = false;
let welcomed: () => void;
const isWelcome = new Promise<void>((resolve) => (welcomed = resolve));
bus.subscribe(
  OrderCreated,
  ({ customerId }) => {
    if (!isMended) throw new Error('no connection to the CRM');
    console.log(`welcome, ${customerId}`);
    welcomed();
  },
  { name: 'welcome' },
);

try {
  await bus.connect(); // or leave it to the first call that needs a connection
  bus.subscribe(OrderCreated, ({ customerId }) => console.log(`noted ${customerId}`), { name: 'note' });
  await bus.startConsumingInBackground();
  await bus.publish(OrderCreated({ aggregateId: 'order-1', customerId: 'ada' }));

  while ((await bus.getStreamInfo()).dlqMessages === 0) await pause(20);
  for (const { id, eventType, error } of await bus.getDlqMessages({ count: 100 })) {
    console.log(`set aside: ${eventType}, ${error.message}`);
    isMended = true;
    await bus.replayDlqMessage(id); // to `welcome` alone, which had failed
  }
  await isWelcome;
  await bus.idle(); // until that is acknowledged
  const { pendingMessages, dlqMessages } = await bus.getStreamInfo();
  console.log({ pendingMessages, dlqMessages });
} finally {
  await bus.shutdown({ timeoutMs: 30_000 });
}
