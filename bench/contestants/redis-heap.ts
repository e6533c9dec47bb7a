import { Redis } from 'ioredis';
import { chunks } from './jobs.ts';
import { restingHeap } from './memory.ts';
import { placeOrders } from './orders.ts';
import type { Enter } from './protocol.ts';
import { redisBus } from './redis.ts';
import { Tally } from './tally.ts';

const DELIVERIES = 200_000;
const ORDERS = 20_000;

/** Publishes and consumes in one process, and empties the stream now and then: it is the server's memory. */
export const redisHeap: Enter = async (place) => {
  const redis = new Redis(place.url);
  const route = `${place.prefix}.heap`;
  const courier = redisBus()(place);
  const tally = new Tally(ORDERS);
  await courier.open(route);
  await courier.consume(async (order) => tally.add(order.index));
  const deliver = async () => {
    tally.reset();
    for (const list of chunks(placeOrders(ORDERS), 100)) await courier.publish(list);
    await tally.reached(ORDERS);
    while ((await courier.unsettled()) > 0);
    await redis.xtrim(`${route}:stream`, 'MAXLEN', 0);
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
      await courier.stop();
      await courier.remove();
      await courier.close();
      await redis.quit();
    },
  };
};
