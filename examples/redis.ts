import { z } from 'zod';
import { defineEvent, NonRetryableError } from 'buschart';
import { RedisEventBus } from 'buschart/redis';

const OrderShipped = defineEvent({
  type: 'OrderShipped',
  aggregateType: 'Order',
  schema: z.object({ parcels: z.int() }),
});

const bus = new RedisEventBus({
  redisUrl: process.env['REDIS_URL'] ?? 'redis://localhost:6379',
  streamPrefix: process.env['STREAM_PREFIX'] ?? 'myapp',
  consumerGroup: 'order-service',
  maxRetries: 3,
});
const stop = new AbortController();
process.once('SIGTERM', () => stop.abort());

bus.subscribe(OrderShipped, async (event, context) => {
  if (event.parcels === 0) throw new NonRetryableError('Nothing to ship'); // straight to the dead letters
  console.log(`attempt ${context.attempt}: ${event.parcels} parcels of ${event.aggregateId}`);
  if (event.parcels === 7) stop.abort();
});

try {
  await bus.publish([1, 7].map((parcels) => OrderShipped({ aggregateId: 'order-1', parcels })));
  await bus.startConsuming({ signal: stop.signal }); // settles when consuming has ended
} finally {
  console.log(await bus.shutdown()); // { settled, released, aborted, unpublished, timedOut }
}
