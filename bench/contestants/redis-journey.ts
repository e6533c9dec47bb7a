import { RedisEventBus } from 'buschart/redis';
import { OrderPlaced, placeOrders, wireFields, type Order } from './orders.ts';
import type { Enter, RedisPlace } from './protocol.ts';
import { GROUP, openRedis, orderIn, readNew } from './redis-stream.ts';
import { Tally } from './tally.ts';

const ORDERS = 2000;
const BATCH = 100;
const BLOCK_MS = 5000;

interface Journey {
  publish(order: Order): Promise<unknown>;
  close(): Promise<unknown>;
}

export const busJourney: Enter = (place) =>
  journeys(place, async (stream, arrived) => {
    const streamPrefix = stream.slice(0, -':stream'.length);
    const bus = new RedisEventBus({ redisUrl: place.url, streamPrefix, consumerGroup: GROUP });
    bus.subscribe(OrderPlaced, async (order, _context) => arrived(order.index));
    await bus.startConsumingInBackground();
    return { publish: (order) => bus.publish(order), close: () => bus.shutdown() };
  });

export const bareJourney: Enter = (place) =>
  journeys(place, async (stream, arrived) => {
    const writer = openRedis(place.url);
    const reader = openRedis(place.url);
    await writer.xgroup('CREATE', stream, GROUP, '0', 'MKSTREAM');
    let isOpen = true;
    const loop = async () => {
      while (isOpen) {
        const entries = await readNew(reader, stream, BATCH, BLOCK_MS);
        for (const entry of entries) arrived(orderIn(entry).index);
        if (entries.length > 0) await writer.xack(stream, GROUP, ...entries.map(([id]) => id));
      }
    };
    const looping = loop().catch((error: unknown) => {
      if (isOpen) throw error;
    });
    return {
      publish: (order) => writer.xadd(stream, '*', ...wireFields(order)),
      async close() {
        isOpen = false;
        reader.disconnect();
        await looping;
        await writer.quit();
      },
    };
  });

/** One order at a time: the next sets out when this one has arrived and its publish has settled. */
async function journeys(
  place: RedisPlace,
  start: (stream: string, arrived: (index: number) => void) => Promise<Journey>,
): ReturnType<Enter> {
  const tally = new Tally(ORDERS);
  const arrivedAt = new Float64Array(ORDERS);
  const stream = `${place.prefix}:journey:${process.pid}:stream`;
  const journey = await start(stream, (index) => {
    arrivedAt[index] = performance.now();
    tally.add(index);
  });
  let orders: Order[] = [];
  const prepare = () => {
    orders = placeOrders(ORDERS);
    tally.reset();
  };
  const round = async () => {
    const tookMs = new Float64Array(ORDERS);
    for (const order of orders) {
      const start = performance.now();
      await Promise.all([journey.publish(order), tally.reached(order.index + 1)]);
      tookMs[order.index] = (arrivedAt[order.index] as number) - start;
    }
    tookMs.sort();
    const at = (share: number) => tookMs[Math.floor(ORDERS * share)] as number;
    return { values: { p50Ms: at(0.5), p99Ms: at(0.99) }, ...tally.verdict(1) };
  };
  prepare();
  await round();
  return { prepare, round, close: async () => void (await journey.close()) };
}
