import { z } from 'zod';
import { defineEvent } from 'buschart';
import { RedisEventBus } from 'buschart/redis';

// One terminal runs this file with `consume`, another one with `publish`.

const OrderCreated = defineEvent({
  type: 'OrderCreated',
  aggregateType: 'Order',
  schema: z.object({ customerId: z.string() }),
});

const place = {
  redisUrl: process.env['REDIS_URL'] ?? 'redis://localhost:6379',
  streamPrefix: process.env['STREAM_PREFIX'] ?? 'myapp',
};

async function publish() {
  await using bus = new RedisEventBus(place); // who only publishes needs no group
  await bus.publish(OrderCreated({ aggregateId: 'order-1', customerId: 'ada' }));
  console.log('published');
}

async function consume() {
  await using bus = new RedisEventBus({ ...place, consumerGroup: 'order-service' });
  const stop = new AbortController();
  bus.subscribe(OrderCreated, ({ customerId }) => {
    console.log(`created for ${customerId}`);
    stop.abort();
  });
  await bus.startConsuming({ signal: stop.signal });
}

await (process.argv[2] === 'publish' ? publish() : consume());
