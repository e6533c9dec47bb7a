import { get } from 'node:http';
import { InMemoryEventBus } from 'buschart';
import { startInspector } from 'buschart/inspector';
import { OrderPlaced, placeOrders } from './orders.ts';
import type { Contestant, Enter } from './protocol.ts';
import { Tally } from './tally.ts';

const ORDERS = 10_000;
const ROUND_MS = 600;
/** By then the engine has settled on how it compiles all this, which takes a few hundred thousand publishes. */
const WARM_UP_MS = 2000;
/** Publishes between two turns of the event loop: an inspector lives by turns, as a server does. */
const TURN = 100;

/** Has the bus looked at; returns what ends it. */
type Look = (bus: InMemoryEventBus) => Promise<() => Promise<void> | void>;

const unseen: Look = () => Promise.resolve(() => undefined);

const observed =
  (eventsPerSecond: number): Look =>
  (bus) => {
    let seen = 0;
    return Promise.resolve(bus.inspect(() => void seen++, { eventsPerSecond }));
  };

/** With a page open, whose end this process is as well. */
const inspected: Look = async (bus) => {
  const inspector = await startInspector(bus);
  const { origin, hash } = new URL(inspector.url);
  const headers = { authorization: `Bearer ${hash.replace('#token=', '')}` };
  const page = get(new URL('/api/stream', origin), { headers }, (response) => void response.resume());
  await inspector.opened;
  return async () => {
    page.destroy();
    await inspector.close();
  };
};

function enter(look: Look, handlers: number): Enter {
  return async () => {
    const bus = new InMemoryEventBus();
    const orders = placeOrders(ORDERS);
    const tallies = Array.from({ length: handlers }, (_, number) => {
      const tally = new Tally(ORDERS);
      bus.subscribe(OrderPlaced, async (order) => tally.add(order.index), { name: `handler ${number}` });
      return tally;
    });
    const end = await look(bus);
    const publishAll = async (times: number): Promise<number> => {
      const start = performance.now();
      for (let time = 0; time < times; time++)
        for (let at = 0; at < ORDERS; at++) {
          if (at % TURN === 0) await new Promise((resolve) => setImmediate(resolve));
          await bus.publish(orders[at]!);
        }
      return performance.now() - start;
    };
    for (let spentMs = 0; spentMs < WARM_UP_MS;) spentMs += await publishAll(1);
    const times = Math.max(1, Math.round(ROUND_MS / (await publishAll(1))));
    const contestant: Contestant = {
      prepare: () => tallies.forEach((tally) => tally.reset()),
      async round() {
        const tookMs = await publishAll(times);
        const verdicts = tallies.map((tally) => tally.verdict(times));
        return {
          values: { perSecond: (times * ORDERS * handlers * 1000) / tookMs },
          lost: verdicts.reduce((sum, { lost }) => sum + lost, 0),
          duplicated: verdicts.reduce((sum, { duplicated }) => sum + duplicated, 0),
        };
      },
      async close() {
        await end();
        await bus.shutdown();
      },
    };
    return contestant;
  };
}

/** 49 subscriptions with their handlers, and the bus with its consumer: 101 actors. */
const MANY = 49;

export const inspectedContestants: Readonly<Record<string, Enter>> = {
  'inspection: none': enter(unseen, 1),
  'inspection: observer': enter(observed(20), 1),
  'inspection: observer of all': enter(observed(Infinity), 1),
  'inspection: page': enter(inspected, 1),
  'inspection: page, 100 actors': enter(inspected, MANY),
};
