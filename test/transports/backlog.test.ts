import { randomUUID } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { describe, expect, it, onTestFinished } from 'vitest';
import { Counted, conformanceRegistry } from '../../src/testing/counted.ts';
import { silent } from '../../src/testing/silent-logger.ts';
import { busAt } from '../support/bus-places.ts';
import { realBrokers } from '../support/real-brokers.ts';

const EVENTS = 40_000;
const text = 'x'.repeat(2_000);
const BACKLOG_BYTES = EVENTS * text.length;
const CONCURRENCY = 50;
/** What is left of code that was compiled, pools of a driver and the like. */
const REST_BYTES = 10_000_000;

async function usedBytes(): Promise<number> {
  for (let times = 0; times < 3; times++) {
    globalThis.gc?.();
    await pause(50);
  }
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

describe.each(realBrokers)('a backlog on %s', (broker, url, harnessAt) => {
  it.skipIf(url === undefined)(
    'waits at the broker: this process holds a window of it, and nothing once it is handled',
    { timeout: 90_000 },
    async () => {
      const harness = harnessAt(url ?? '');
      await harness.start?.();
      const destination = harness.destination('backlog');
      const place = { broker, url: url ?? '', destination: destination.name };
      let open: () => void = () => undefined;
      const opened = new Promise<void>((resolve) => (open = resolve));
      const bus = await busAt(place, {
        consumerGroup: destination.group,
        registry: conformanceRegistry,
        logger: silent,
        concurrency: CONCURRENCY,
      });
      onTestFinished(async () => {
        open();
        await bus.shutdown();
        await harness.cleanUp(destination);
        await harness.stop?.();
      });
      bus.subscribe(Counted, () => opened);
      // Makes the group, so that every broker keeps what is published from here on.
      const first = await bus.startConsumingInBackground();
      await first.stop();
      const publish = (count: number) =>
        bus.publish(Array.from({ length: count }, (_, n) => Counted({ aggregateId: randomUUID(), n, text })));
      await publish(100);
      const before = await usedBytes();
      for (let published = 100; published < EVENTS; published += 100) await publish(100);

      await bus.startConsumingInBackground();
      await expect.poll(() => bus.getStats().inFlight, { timeout: 15_000 }).toBe(CONCURRENCY);
      let held = -1;
      await expect
        .poll(
          async () => {
            const last = held;
            held = (await bus.getInfo()).pendingMessages;
            return held === last;
          },
          { interval: 500, timeout: 15_000 },
        )
        .toBe(true);
      expect(held).toBeGreaterThanOrEqual(CONCURRENCY);
      // Two windows of a thousand for each of four partitions, on Kafka; less elsewhere.
      expect((await usedBytes()) - before).toBeLessThan(BACKLOG_BYTES / 2);
      expect(bus.getStats().inFlight).toBe(CONCURRENCY);

      open();
      await expect.poll(() => bus.getStats().eventsConsumed, { timeout: 60_000 }).toBe(EVENTS);
      await bus.idle();
      expect((await usedBytes()) - before).toBeLessThan(REST_BYTES);
    },
  );
});
