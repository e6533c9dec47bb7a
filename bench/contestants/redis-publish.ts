import { RedisEventBus } from 'buschart/redis';
import { placeOrders, type Order } from './orders.ts';
import type { Enter, RedisPlace } from './protocol.ts';
import { append, chunks, openRedis, orderIn, type Entry } from './redis-stream.ts';
import { Tally } from './tally.ts';

const ORDERS = 20_000;
const LIST = 100;

interface Publishing {
  readonly stream: string;
  publish(list: readonly Order[]): Promise<void>;
  close(): Promise<unknown>;
}

export const busPublish: Enter = async (place) => {
  const streamPrefix = `${place.prefix}:publish:bus`;
  const bus = new RedisEventBus({ redisUrl: place.url, streamPrefix });
  await bus.connect();
  return lists(place, {
    stream: `${streamPrefix}:stream`,
    publish: (list) => bus.publish(list),
    close: () => bus.shutdown(),
  });
};

export const pipelinePublish: Enter = (place) => {
  const redis = openRedis(place.url);
  const stream = `${place.prefix}:publish:bare:stream`;
  return lists(place, {
    stream,
    publish: (list) => append(redis, stream, list),
    close: () => redis.quit(),
  });
};

/** Lists of a hundred, each awaited; every order is published once, and all must be found in the stream. */
async function lists(place: RedisPlace, publishing: Publishing): ReturnType<Enter> {
  const redis = openRedis(place.url);
  const { stream } = publishing;
  const tally = new Tally(ORDERS);
  let orders: Order[] = [];
  const prepare = async () => {
    await redis.unlink(stream);
    tally.reset();
    orders = placeOrders(ORDERS);
  };
  const round = async () => {
    const start = performance.now();
    for (const list of chunks(orders, LIST)) await publishing.publish(list);
    const tookMs = performance.now() - start;
    for (let from = '-'; ;) {
      const entries: Entry[] = await redis.xrange(stream, from, '+', 'COUNT', 1000);
      for (const entry of entries) tally.add(orderIn(entry).index);
      const last = entries.at(-1);
      if (last === undefined) break;
      from = `(${last[0]}`;
    }
    return { values: { perSecond: (ORDERS * 1000) / tookMs }, ...tally.verdict(1) };
  };
  await prepare();
  await round();
  return {
    prepare,
    round,
    close: async () => {
      await publishing.close();
      await redis.quit();
    },
  };
}
