import { setTimeout as pause } from 'node:timers/promises';
import { z } from 'zod';
import { defineEvent } from 'buschart';
import { RedisEventBus } from 'buschart/redis';

// On SIGTERM the bus takes up nothing new, lets what runs end and be acknowledged, and leaves the rest to the next.

const ReportAsked = defineEvent({
  type: 'ReportAsked',
  aggregateType: 'Report',
  schema: z.object({ pages: z.int() }),
});

const bus = new RedisEventBus({
  redisUrl: process.env['REDIS_URL'] ?? 'redis://localhost:6379',
  streamPrefix: process.env['STREAM_PREFIX'] ?? 'reports',
  consumerGroup: 'printer',
});

bus.subscribe(ReportAsked, async ({ aggregateId }) => {
  console.log(`${aggregateId}: begun`);
  await pause(500);
  console.log(`${aggregateId}: done`);
});

const stop = new AbortController();
process.once('SIGTERM', () => {
  console.log('SIGTERM');
  stop.abort();
});

try {
  const consuming = bus.startConsuming({ signal: stop.signal });
  await bus.waitFor('consuming');
  // Of one aggregate, so that the second waits for the first.
  await bus.publish([1, 2].map((pages) => ReportAsked({ aggregateId: 'report-1', pages })));
  await consuming;
} finally {
  await bus.shutdown(); // gives handlers 30 seconds by default
}
console.log('stopped');
