import type { Courier } from './courier.ts';
import { placeOrders, type Order } from './orders.ts';
import type { Contestant, Enter, Place } from './protocol.ts';
import { Tally } from './tally.ts';

/** What every courier of a broker is timed at. */
export type Job = (start: (place: Place) => Promise<Courier> | Courier) => Enter;

const LIST = 100;
const PUBLISHED = 20_000;
const JOURNEYS = 2000;
/** The compiler needs some 60,000 deliveries until it has done its work. */
const WARM_UPS = 3;

/** Lists of a hundred, each awaited; all must be found at the broker. */
export const publishing: Job = (start) => async (place) => {
  const courier = await start(place);
  const route = routes(place, 'publish');
  let orders: Order[] = [];
  return warmedUp(2, {
    async prepare() {
      await courier.open(route());
      orders = placeOrders(PUBLISHED);
    },
    async round() {
      const tookMs = await timed(() => publishAll(courier, orders));
      const missing = PUBLISHED - (await courier.unsettled());
      await courier.remove();
      const perSecond = (PUBLISHED * 1000) / tookMs;
      return { values: { perSecond }, lost: Math.max(missing, 0), duplicated: Math.max(-missing, 0) };
    },
    close: async () => void (await courier.close()),
  });
};

/** A backlog is taken up. The clock runs from the first delivery to the last: joining a group is another matter. */
export const consuming =
  (count: number): Job =>
  (start) =>
  async (place) => {
    const courier = await start(place);
    const route = routes(place, 'backlog');
    const tally = new Tally(count);
    return warmedUp(WARM_UPS, {
      async prepare() {
        tally.reset();
        await courier.open(route());
        await publishAll(courier, placeOrders(count));
      },
      async round() {
        let firstAt: number | undefined;
        await courier.consume(async (order, _context) => {
          firstAt ??= performance.now();
          tally.add(order.index);
        });
        await tally.reached(count);
        const tookMs = performance.now() - (firstAt ?? NaN);
        await courier.stop();
        const { lost, duplicated } = tally.verdict(1);
        // What was handled and not acknowledged would be handled again.
        const again = await courier.unsettled();
        await courier.remove();
        return { values: { perSecond: (count * 1000) / tookMs }, lost, duplicated: duplicated + again };
      },
      close: async () => void (await courier.close()),
    });
  };

/** One order at a time: the next sets out when this one has arrived and its publish has settled. */
export const journeys: Job = (start) => async (place) => {
  const courier = await start(place);
  const tally = new Tally(JOURNEYS);
  const arrivedAt = new Float64Array(JOURNEYS);
  await courier.open(routes(place, 'journey')());
  await courier.consume(async ({ index }, _context) => {
    arrivedAt[index] = performance.now();
    tally.add(index);
  });
  let orders: Order[] = [];
  return warmedUp(2, {
    prepare() {
      orders = placeOrders(JOURNEYS);
      tally.reset();
    },
    async round() {
      const tookMs = new Float64Array(JOURNEYS);
      for (const order of orders) {
        const start = performance.now();
        await Promise.all([courier.publish([order]), tally.reached(order.index + 1)]);
        tookMs[order.index] = (arrivedAt[order.index] as number) - start;
      }
      tookMs.sort();
      const at = (share: number) => tookMs[Math.floor(JOURNEYS * share)] as number;
      return { values: { p50Ms: at(0.5), p99Ms: at(0.99) }, ...tally.verdict(1) };
    },
    async close() {
      await courier.stop();
      await courier.remove();
      await courier.close();
    },
  });
};

/** The lists of so many that an array falls into. */
export function* chunks<T>(list: readonly T[], size: number): Generator<readonly T[]> {
  for (let at = 0; at < list.length; at += size) yield list.slice(at, at + size);
}

async function publishAll(courier: Courier, orders: readonly Order[]): Promise<void> {
  for (const list of chunks(orders, LIST)) await courier.publish(list);
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  await work();
  return performance.now() - start;
}

/** Names of routes that nobody else takes: the contestants of one contest run beside each other. */
function routes({ prefix }: Place, job: string): () => string {
  let taken = 0;
  return () => `${prefix}.${job}.${process.pid}.${taken++}`;
}

async function warmedUp(times: number, contestant: Contestant): Promise<Contestant> {
  for (let warmUp = 0; warmUp < times; warmUp++) {
    await contestant.prepare();
    await contestant.round();
  }
  return contestant;
}
