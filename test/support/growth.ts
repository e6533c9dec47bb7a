// Run as a process of its own, with --expose-gc: prints how much the heap grew, and what was left behind.
import { z } from 'zod';
import { EventRegistry, InMemoryEventBus, defineEvent } from '../../src/index.ts';
import type { Clock } from '../../src/index.ts';
import type { ConsumerActor } from '../../machines/index.ts';

const registry = new EventRegistry();
const Pinged = defineEvent({ type: 'Pinged', aggregateType: 'Ball', registry, schema: z.object({}) });
const event = Pinged({ aggregateId: 'a' });

/** Real timers, counted. */
class CountingClock implements Clock {
  readonly open = new Set<unknown>();
  now(): number {
    return Date.now();
  }
  setTimeout(callback: () => void, delayMs: number): unknown {
    const handle = setTimeout(() => {
      this.open.delete(handle);
      callback();
    }, delayMs);
    this.open.add(handle);
    return handle;
  }
  clearTimeout(handle: unknown): void {
    this.open.delete(handle);
    clearTimeout(handle as NodeJS.Timeout);
  }
}

const heapBytes = (): number => {
  globalThis.gc?.();
  globalThis.gc?.();
  return process.memoryUsage().heapUsed;
};

const clock = new CountingClock();
const silent = (): void => undefined;
const bus = new InMemoryEventBus({
  registry,
  clock,
  retry: { maxRetries: 1, baseDelayMs: 0 },
  maxDeadLetters: 100,
  logger: { debug: silent, info: silent, warn: silent, error: silent },
});
let isFailing = false;
bus.subscribe(Pinged, silent);
bus.subscribe(Pinged, async () => {
  await Promise.resolve();
  if (isFailing) throw new Error('x');
});

async function deliver(count: number): Promise<void> {
  for (let left = count; left > 0; left -= 100)
    await Promise.all(Array.from({ length: Math.min(100, left) }, () => bus.publish(event)));
  await bus.idle();
}

async function grown(count: number, fails: boolean): Promise<number> {
  isFailing = fails;
  await deliver(count / 20);
  const before = heapBytes();
  await deliver(count);
  return heapBytes() - before;
}

const wellBytes = await grown(1_000_000, false);
const failingBytes = await grown(100_000, true);

// Subscriptions that come and go, each with a signal that lives on.
const { signal } = new AbortController();
const comeAndGo = (count: number): void => {
  for (let n = 0; n < count; n++) bus.subscribe(Pinged, silent, { name: `n${n}`, signal }).unsubscribe();
};
comeAndGo(2000);
await bus.idle();
const before = heapBytes();
comeAndGo(20_000);
await bus.idle();
const subscribingBytes = heapBytes() - before;

const { children } = bus.actor.getSnapshot();
const consumer = (children['consumer'] as ConsumerActor | undefined)?.getSnapshot();
const stats = bus.getStats();
const left = {
  timers: clock.open.size,
  children: Object.keys(children).toSorted(),
  deliveries: JSON.parse(JSON.stringify(consumer?.children.deliveries?.getSnapshot() ?? {})) as unknown,
  inFlight: stats.inFlight,
};
await bus.shutdown();
console.log(
  JSON.stringify({
    wellBytes,
    failingBytes,
    subscribingBytes,
    left,
    timersAfter: clock.open.size,
    handled: stats.handlersInvoked,
    deadLettered: stats.deadLettered,
  }),
);
