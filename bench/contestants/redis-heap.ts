import { RedisEventBus } from 'buschart/redis';
import { restingHeap } from './memory.ts';
import { OrderPlaced, placeOrders } from './orders.ts';
import type { Enter } from './protocol.ts';
import { GROUP, allAcked, chunks, openRedis } from './redis-stream.ts';
import { Tally } from './tally.ts';

const DELIVERIES = 200_000;
const ORDERS = 20_000;

/** Publishes and consumes in one process, and empties the stream now and then: it is the server's memory. */
export const redisHeap: Enter = async ({ url, prefix }) => {
  const redis = openRedis(url);
  const streamPrefix = `${prefix}:heap`;
  const bus = new RedisEventBus({ redisUrl: url, streamPrefix, consumerGroup: GROUP });
  const tally = new Tally(ORDERS);
  bus.subscribe(OrderPlaced, async (order) => tally.add(order.index));
  await bus.startConsumingInBackground();
  const deliver = async () => {
    tally.reset();
    for (const list of chunks(placeOrders(ORDERS), 100)) await bus.publish(list);
    await tally.reached(ORDERS);
    await allAcked(redis, `${streamPrefix}:stream`, GROUP);
    await redis.xtrim(`${streamPrefix}:stream`, 'MAXLEN', 0);
    return tally.verdict(1);
  };
  await deliver();
  return {
    prepare: () => undefined,
    async round() {
      let lost = 0;
      let duplicated = 0;
      const before = await restingHeap();
      for (let done = 0; done < DELIVERIES; done += ORDERS) {
        const verdict = await deliver();
        lost += verdict.lost;
        duplicated += verdict.duplicated;
      }
      const growthBytes = (await restingHeap()) - before;
      return { values: { growthBytes }, lost, duplicated };
    },
    close: async () => {
      await bus.shutdown();
      await redis.quit();
    },
  };
};
