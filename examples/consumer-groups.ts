import { z } from 'zod';
import { defineEvent } from 'buschart';
import { RedisEventBus } from 'buschart/redis';

// Each group gets every event once; the members of one group share its events among them.

const OrderPlaced = defineEvent({
  type: 'OrderPlaced',
  aggregateType: 'Order',
  schema: z.object({ cents: z.int() }),
});

const ORDERS = 40;
const handled = { billing: 0, audit: 0 };
let done: () => void;
const all = new Promise<void>((resolve) => (done = resolve));

const member = (consumerGroup: keyof typeof handled, consumerName: string) => {
  const bus = new RedisEventBus({
    redisUrl: process.env['REDIS_URL'] ?? 'redis://localhost:6379',
    streamPrefix: process.env['STREAM_PREFIX'] ?? 'shop',
    consumerGroup,
    consumerName, // of this process: two members must not share one
  });
  bus.subscribe(OrderPlaced, () => {
    handled[consumerGroup]++;
    if (handled.billing + handled.audit === 2 * ORDERS) done();
  });
  return bus;
};

const members = [member('billing', 'billing-1'), member('billing', 'billing-2'), member('audit', 'audit-1')];

try {
  for (const bus of members) await bus.startConsumingInBackground(); // the groups stand from here on
  const orders = Array.from({ length: ORDERS }, (_, at) =>
    OrderPlaced({ aggregateId: `order-${at}`, cents: at }),
  );
  await members[0]?.publish(orders);
  await all;
} finally {
  await Promise.all(members.map((bus) => bus.shutdown())); // acknowledges what was handled
}
console.log(`billing: ${handled.billing} by two members, audit: ${handled.audit} by one`);
