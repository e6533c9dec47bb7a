import { setTimeout as pause } from 'node:timers/promises';
import { z } from 'zod';
import { defineEvent } from 'buschart';
import { RedisEventBus } from 'buschart/redis';

// A handler that goes on failing costs nobody anything: its event is set aside with the error, and can be replayed
// to the handler that failed once that is mended.

const InvoiceSent = defineEvent({
  type: 'InvoiceSent',
  aggregateType: 'Invoice',
  schema: z.object({ cents: z.int() }),
});

const bus = new RedisEventBus({
  redisUrl: process.env['REDIS_URL'] ?? 'redis://localhost:6379',
  streamPrefix: process.env['STREAM_PREFIX'] ?? 'shop',
  consumerGroup: 'accounting',
  retry: { maxRetries: 2, baseDelayMs: 10 },
});

let isMended = false;
let booked: () => void;
const isBooked = new Promise<void>((resolve) => (booked = resolve));
bus.subscribe(InvoiceSent, ({ aggregateId }, { attempt }) => {
  console.log(`${aggregateId}: attempt ${attempt}`);
  if (!isMended) throw new Error('the ledger is closed');
  booked();
});

try {
  await bus.startConsumingInBackground();
  await bus.publish(InvoiceSent({ aggregateId: 'invoice-1', cents: 100 }));
  while ((await bus.deadLetters.count()) === 0) await pause(20);
  for (const { eventType, reason, attempts, error } of await bus.deadLetters.list())
    console.log(`set aside: ${eventType}, ${reason} after ${attempts} attempts: ${error.message}`);
  isMended = true;
  await bus.deadLetters.replayAll();
  await isBooked;
} finally {
  await bus.shutdown();
}
