import type { BrokerEventBus } from 'buschart';
import { OrderPlaced, type Order } from './orders.ts';

/** Handles an order that arrived. A bus gives more than this, a loop written by hand looks at no more. */
export type Handle = (order: Pick<Order, 'index'>, context: object) => Promise<void>;

/** One way of carrying orders: the bus, a loop on the bare driver, or another library. It's at one route at a time. */
export interface Courier {
  /** Makes an empty route of that name, with the group that consumes from it. */
  open(route: string): Promise<unknown>;
  /** Resolves once the broker has stored all of them. */
  publish(orders: readonly Order[]): Promise<unknown>;
  /** Begins to hand over what comes, and acknowledges what was handled. */
  consume(handle: Handle): Promise<unknown>;
  /** Resolves once what was handled is acknowledged. */
  stop(): Promise<unknown>;
  /** How many of the stored orders the group has not acknowledged; asked while nobody consumes. */
  unsettled(): Promise<number>;
  /** Removes the route. */
  remove(): Promise<unknown>;
  close(): Promise<unknown>;
}

/** What the bus and its twin need the bare driver for. */
export type Route = Pick<Courier, 'open' | 'unsettled' | 'remove' | 'close'>;

/** The bus on a broker, its options the defaults, but for the prefetch and batch of a hundred that its twins have. */
export function busCourier(route: Route, make: (route: string) => BrokerEventBus): Courier {
  let bus: BrokerEventBus;
  return {
    async open(name) {
      await route.open(name);
      bus = make(name);
      await bus.connect();
    },
    publish: (orders) => (orders.length === 1 ? bus.publish(orders[0] as Order) : bus.publish(orders)),
    async consume(handle) {
      bus.subscribe(OrderPlaced, handle);
      await bus.startConsumingInBackground();
    },
    stop: () => bus.stopConsuming(),
    unsettled: () => route.unsettled(),
    async remove() {
      await bus.shutdown();
      await route.remove();
    },
    close: () => route.close(),
  };
}
