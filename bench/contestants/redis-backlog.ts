import { RedisEventBus } from 'buschart/redis';
import type { Redis } from 'ioredis';
import { OrderPlaced, placeOrders } from './orders.ts';
import type { Enter, RedisPlace } from './protocol.ts';
import { GROUP, allAcked, append, chunks, openRedis, orderIn, readNew } from './redis-stream.ts';
import { Tally } from './tally.ts';

const ORDERS = 20_000;
const BATCH = 100;
/** The compiler needs some 60,000 entries until it has done its work. */
const WARM_UPS = 3;

/** Takes a backlog up and ends once all of it has been handled and acked. */
interface Consuming {
  prepare(stream: string): Promise<void>;
  consume(stream: string): Promise<void>;
  /** After each round. */
  rest(): Promise<unknown>;
}

export function busBacklog(validateOn: 'both' | 'publish'): Enter {
  return (place) =>
    backlog(place, `bus-${validateOn}`, (redis, tally) => {
      let bus: RedisEventBus;
      return {
        async prepare(stream) {
          bus = new RedisEventBus({
            redisUrl: place.url,
            streamPrefix: stream.slice(0, -':stream'.length),
            consumerGroup: GROUP,
            batchSize: BATCH,
            validateOn,
          });
          bus.subscribe(OrderPlaced, async (order, _context) => tally.add(order.index));
          await bus.connect();
        },
        async consume(stream) {
          await bus.startConsumingInBackground();
          await tally.reached(ORDERS);
          await allAcked(redis, stream, GROUP);
        },
        rest: () => bus.shutdown(),
      };
    });
}

/** What one writes by hand: read, parse, handle, ack the batch, read the next. */
export const bareBacklog: Enter = (place) =>
  backlog(place, 'bare', (redis, tally) => {
    const handle = async (order: { readonly index: number }, _context: object) => tally.add(order.index);
    return {
      prepare: async (stream) => void (await redis.xgroup('CREATE', stream, GROUP, '0')),
      async consume(stream) {
        for (;;) {
          const entries = await readNew(redis, stream, BATCH);
          if (entries.length === 0) return;
          for (const entry of entries) await handle(orderIn(entry), entry);
          await redis.xack(stream, GROUP, ...entries.map(([id]) => id));
        }
      },
      rest: () => Promise.resolve(),
    };
  });

async function backlog(
  place: RedisPlace,
  name: string,
  make: (redis: Redis, tally: Tally) => Consuming,
): ReturnType<Enter> {
  const redis = openRedis(place.url);
  const tally = new Tally(ORDERS);
  const consuming = make(redis, tally);
  let rounds = 0;
  let stream = '';
  const prepare = async () => {
    stream = `${place.prefix}:backlog:${name}:${rounds++}:stream`;
    tally.reset();
    for (const list of chunks(placeOrders(ORDERS), 500)) await append(redis, stream, list);
    await consuming.prepare(stream);
  };
  const round = async () => {
    const start = performance.now();
    await consuming.consume(stream);
    const tookMs = performance.now() - start;
    await consuming.rest();
    await redis.unlink(stream);
    return { values: { perSecond: (ORDERS * 1000) / tookMs }, ...tally.verdict(1) };
  };
  for (let warmUp = 0; warmUp < WARM_UPS; warmUp++) {
    await prepare();
    await round();
  }
  return { prepare, round, close: async () => void (await redis.quit()) };
}
