import { Queue, Worker } from 'bullmq';
import type { Courier } from './courier.ts';
import { bodyOf, type Order } from './orders.ts';
import type { Place } from './protocol.ts';

/** As many as the bus handles at once. */
const CONCURRENCY = 64;

/** BullMQ: a job an order, done jobs removed, as its production guide advises. It keeps no order within an aggregate. */
export function bullmq({ url }: Place): Courier {
  const connection = { url };
  let queue: Queue;
  let worker: Worker;
  return {
    open(route) {
      queue = new Queue(route, { connection, defaultJobOptions: { removeOnComplete: true } });
      return queue.waitUntilReady();
    },
    publish: (orders) =>
      queue.addBulk(orders.map((order) => ({ name: order.eventType, data: { body: bodyOf(order) } }))),
    consume(handle) {
      worker = new Worker<{ body: string }>(
        queue.name,
        async (job) => handle(JSON.parse(job.data.body) as Order, job),
        { connection, concurrency: CONCURRENCY },
      );
      return worker.waitUntilReady();
    },
    stop: () => worker.close(),
    unsettled: () => queue.getJobCountByTypes('waiting', 'active', 'delayed', 'failed'),
    async remove() {
      await queue.obliterate({ force: true });
      await queue.close();
    },
    close: () => Promise.resolve(),
  };
}
