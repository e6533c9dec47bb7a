// Run as a process of its own, which is told to stop while a handler runs.
import { z } from 'zod';
import { defineEvent, EventRegistry, stopOnSignals } from '../../../src/index.ts';
import { silent } from '../../../src/testing/silent-logger.ts';
import { RedisEventBus } from '../../../src/transports/redis/index.ts';

const [redisUrl = '', streamPrefix = '', takesMs = ''] = process.argv.slice(2);
const registry = new EventRegistry();
const Asked = defineEvent({ type: 'Asked', aggregateType: 'Question', schema: z.object({}), registry });
const bus = new RedisEventBus({ redisUrl, streamPrefix, consumerGroup: 'g', registry, logger: silent });
bus.subscribe(Asked, async () => {
  console.log('begun');
  await new Promise((resolve) => setTimeout(resolve, Number(takesMs)));
  console.log('done');
});
stopOnSignals(bus);
process.on('SIGTERM', () => console.log('told'));
await bus.startConsumingInBackground();
await bus.publish(Asked({ aggregateId: 'q' }));
