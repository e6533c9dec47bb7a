import Emittery from 'emittery';
import { InMemoryEventBus, type InMemoryEventBusOptions } from 'buschart';
import { OrderPlaced, placeOrders, type Order } from './orders.ts';
import type { Contestant, Enter, Figures } from './protocol.ts';
import { Tally } from './tally.ts';

/** Every contestant publishes the same ten thousand orders again and again: a million of them would measure the heap. */
const ORDERS = 10_000;
const ROUND_MS = 400;

export const someOrders = (): Order[] => placeOrders(ORDERS);

export type OrderHandler = (order: Order, context: object) => Promise<void>;

export interface Bus {
  subscribe(handler: OrderHandler): void;
  publish(order: Order): Promise<unknown>;
  close(): Promise<unknown>;
}

/** What the handlers of a bus written by hand are given beside the event. */
export const CONTEXT = Object.freeze({ attempt: 1 });

export function buschart(options?: InMemoryEventBusOptions): Bus {
  const bus = new InMemoryEventBus(options);
  let handlers = 0;
  return {
    subscribe: (handler) => void bus.subscribe(OrderPlaced, handler, { name: `handler ${++handlers}` }),
    publish: (order) => bus.publish(order),
    close: () => bus.shutdown(),
  };
}

/** What one writes by hand when a failing handler must not stop the others. */
function allSettled(): Bus {
  const handlers = new Map<string, OrderHandler[]>();
  return {
    subscribe: (handler) =>
      void handlers.set('OrderPlaced', [...(handlers.get('OrderPlaced') ?? []), handler]),
    publish: (order) =>
      Promise.allSettled((handlers.get(order.eventType) ?? []).map(async (handle) => handle(order, CONTEXT))),
    close: () => Promise.resolve(),
  };
}

/** The same without isolation: the first failure is all that one learns. */
function all(): Bus {
  const handlers = new Map<string, OrderHandler[]>();
  return {
    subscribe: (handler) =>
      void handlers.set('OrderPlaced', [...(handlers.get('OrderPlaced') ?? []), handler]),
    publish: (order) =>
      Promise.all((handlers.get(order.eventType) ?? []).map((handle) => handle(order, CONTEXT))),
    close: () => Promise.resolve(),
  };
}

function emittery(): Bus {
  const emitter = new Emittery<{ OrderPlaced: Order }>();
  return {
    subscribe: (handler) => void emitter.on('OrderPlaced', (order) => handler(order, CONTEXT)),
    publish: (order) => emitter.emit('OrderPlaced', order),
    close: () => Promise.resolve(emitter.clearListeners()),
  };
}

interface Job {
  /** Two in one process share them, or one of them finds its own in a better place. */
  readonly orders?: readonly Order[];
  readonly roundMs?: number;
}

export function enter(makeBus: () => Bus, handlers: number, job: Job = {}): Enter {
  return async () => {
    const bus = makeBus();
    const { orders = someOrders(), roundMs = ROUND_MS } = job;
    const tallies = Array.from({ length: handlers }, () => new Uint32Array(ORDERS));
    for (const own of tallies) {
      // Each handler is a closure of its own, as each user's is.
      bus.subscribe(async (order, _context) => {
        (own[order.index] as number)++;
      });
    }
    const publishAll = async (times: number): Promise<number> => {
      const start = performance.now();
      for (let time = 0; time < times; time++) for (const order of orders) await bus.publish(order);
      return performance.now() - start;
    };
    const reset = () => tallies.forEach((own) => own.fill(0));

    await publishAll(10);
    const times = Math.max(1, Math.round(roundMs / ((await publishAll(5)) / 5)));
    const round = async (): Promise<Figures> => {
      const tookMs = await publishAll(times);
      const { lost, duplicated } = compare(tallies, times);
      return { values: { perSecond: (times * ORDERS * 1000) / tookMs }, lost, duplicated };
    };
    return { prepare: reset, round, close: async () => void (await bus.close()) };
  };
}

function compare(seen: readonly Uint32Array[], times: number): { lost: number; duplicated: number } {
  let lost = 0;
  let duplicated = 0;
  for (const own of seen) {
    for (const count of own) {
      if (count < times) lost += times - count;
      else duplicated += count - times;
    }
  }
  return { lost, duplicated };
}

const DELIVERIES = 1_000_000;

const heap: Enter = async () => {
  const bus = new InMemoryEventBus();
  const orders = placeOrders(ORDERS);
  const tally = new Tally(ORDERS);
  bus.subscribe(OrderPlaced, async (order) => tally.add(order.index));
  const publishAll = async (times: number) => {
    for (let time = 0; time < times; time++) for (const order of orders) await bus.publish(order);
  };
  await publishAll(10);
  const contestant: Contestant = {
    prepare: () => tally.reset(),
    async round() {
      const before = await restingHeap();
      await publishAll(DELIVERIES / ORDERS);
      const growthBytes = (await restingHeap()) - before;
      return { values: { growthBytes }, ...tally.verdict(DELIVERIES / ORDERS) };
    },
    close: async () => void (await bus.shutdown()),
  };
  return contestant;
};

/** Bytes in use once everything that can be collected is. */
export async function restingHeap(): Promise<number> {
  for (let time = 0; time < 3; time++) {
    await new Promise((resolve) => setImmediate(resolve));
    (globalThis as { gc?: () => void }).gc?.();
  }
  return process.memoryUsage().heapUsed;
}

const buses = {
  buschart: () => buschart(),
  'allSettled by hand': allSettled,
  'bare Promise.all': all,
  emittery,
};

/** By the bus' name and the number of its handlers. */
export const memoryContestants: Readonly<Record<string, Enter>> = {
  'memory heap': heap,
  ...Object.fromEntries(
    Object.entries(buses).flatMap(([name, makeBus]) =>
      [1, 3, 10].map((handlers) => [`${name} ×${handlers}`, enter(makeBus, handlers)] as const),
    ),
  ),
};
