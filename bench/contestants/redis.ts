import { RedisEventBus, type RedisEventBusOptions } from 'buschart/redis';
import { Redis } from 'ioredis';
import { busCourier, type Courier, type Route } from './courier.ts';
import { bodyOf, headersOf, timeOf, type Order } from './orders.ts';
import type { Place } from './protocol.ts';

/** An entry as XREADGROUP answers it. */
type Entry = readonly [id: string, fields: readonly string[]];

export const GROUP = 'bench';
const BATCH = 100;
const BLOCK_MS = 5000;

/** The stream of a route, and its group; made and looked at by the bare driver. */
function redisRoute(redis: Redis): Route & { readonly stream: () => string } {
  let stream = '';
  return {
    stream: () => stream,
    async open(route) {
      stream = `${route}:stream`;
      await redis.xgroup('CREATE', stream, GROUP, '0', 'MKSTREAM');
    },
    unsettled: () => unsettledIn(redis, stream),
    remove: () => redis.unlink(stream),
    close: () => redis.quit(),
  };
}

/** Given and not acknowledged, or not yet given. */
async function unsettledIn(redis: Redis, stream: string): Promise<number> {
  const [group = []] = (await redis.xinfo('GROUPS', stream)) as unknown[][];
  const field = (name: string) => group[group.indexOf(name) + 1] as string | number;
  // Redis counts what a group hasn't been given since version 7; counting it here serves older ones too.
  const waiting = await redis.xrange(stream, `(${field('last-delivered-id')}`, '+');
  return Number(field('pending')) + waiting.length;
}

export const redisBus =
  (options: Pick<RedisEventBusOptions, 'validateOn' | 'enableTracing' | 'enableMetrics'> = {}) =>
  ({ url }: Place): Courier =>
    busCourier(
      redisRoute(new Redis(url)),
      (route) =>
        new RedisEventBus({
          redisUrl: url,
          streamPrefix: route,
          consumerGroup: GROUP,
          batchSize: BATCH,
          ...options,
        }),
    );

/** What one writes by hand: pipelines of XADD; read, parse, handle, ack the batch, read the next. */
export function bareRedis({ url }: Place): Courier {
  const writer = new Redis(url);
  const route = redisRoute(writer);
  let reader: Redis;
  let reading = Promise.resolve();
  let isReading = false;
  return {
    ...route,
    async publish(orders) {
      const pipeline = writer.pipeline();
      for (const order of orders) pipeline.xadd(route.stream(), '*', ...fieldsOf(order));
      for (const [error] of (await pipeline.exec()) ?? []) if (error !== null) throw error;
    },
    consume(handle) {
      reader = new Redis(url);
      isReading = true;
      const loop = async () => {
        while (isReading) {
          const entries = await readNew(reader, route.stream());
          for (const entry of entries) await handle(orderIn(entry), entry);
          if (entries.length > 0) await writer.xack(route.stream(), GROUP, ...entries.map(([id]) => id));
        }
      };
      reading = loop().catch((error: unknown) => {
        if (isReading) throw error;
      });
      return Promise.resolve();
    },
    async stop() {
      while ((await unsettledIn(writer, route.stream())) > 0);
      isReading = false;
      reader.disconnect();
      await reading;
    },
  };
}

async function readNew(redis: Redis, stream: string): Promise<readonly Entry[]> {
  const from = ['STREAMS', stream, '>'] as const;
  const reply = await redis.xreadgroup('GROUP', GROUP, 'bare', 'COUNT', BATCH, 'BLOCK', BLOCK_MS, ...from);
  return (reply as [string, Entry[]][] | null)?.[0]?.[1] ?? [];
}

/** The order that an entry holds, as far as a loop written by hand looks at it. */
const orderIn = ([, fields]: Entry): Pick<Order, 'index'> =>
  JSON.parse(fields[fields.indexOf('payload') + 1] as string) as Order;

const fieldsOf = (order: Order): string[] => [
  ...['event_id', order.eventId, ...Object.entries(headersOf(order)).flat()],
  ...['tenant_id', '', 'occurred_at', `${timeOf(order)}+00:00`, 'payload', bodyOf(order)],
];
