import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { defineEvent, EventRegistry, InMemoryEventBus, MemoryBroker } from '../../../src/index.ts';
import type { HandlerContext } from '../../../src/index.ts';
import { VirtualClock } from '../../../src/testing/clock.ts';
import { gate, RecordingLogger, settle } from '../../support/memory-bus.ts';

const registry = new EventRegistry();
const Ticked = defineEvent({
  type: 'Ticked',
  aggregateType: 'Watch',
  schema: z.object({ n: z.int() }),
  registry,
});
const tick = (n: number, aggregateId = 'w') => Ticked({ aggregateId, n });

function rig(options: ConstructorParameters<typeof InMemoryEventBus>[0] = {}) {
  const clock = new VirtualClock();
  const logger = new RecordingLogger();
  return { clock, logger, bus: new InMemoryEventBus({ clock, logger, registry, ...options }) };
}

describe('startConsuming in memory', () => {
  it('ends by its signal, by stopConsuming and by shutdown', async () => {
    const { bus } = rig();
    const stop = new AbortController();
    const bySignal = bus.startConsuming({ signal: stop.signal });
    stop.abort();
    await bySignal;
    const consumption = await bus.startConsumingInBackground();
    await consumption.stop();
    await consumption.done;
    const byShutdown = bus.startConsuming();
    await bus.shutdown();
    await byShutdown;
  });

  it('takes up what was published while it was stopped', async () => {
    const { bus } = rig();
    const seen: number[] = [];
    bus.subscribe(Ticked, ({ n }) => seen.push(n));
    await bus.stopConsuming();
    const published = bus.publish(tick(1));
    await bus.startConsumingInBackground();
    await published;
    expect(seen).toEqual([1]);
  });
});

describe('a bus paused before it consumes', () => {
  it('starts nothing until resume', async () => {
    const broker = new MemoryBroker();
    const { bus, clock } = rig({ broker });
    bus.pause();
    const seen: number[] = [];
    bus.subscribe(Ticked, ({ n }) => seen.push(n));
    void bus.publish(tick(1));
    await settle(clock);
    expect(seen).toEqual([]);
    bus.resume();
    await expect.poll(() => seen).toEqual([1]);
    await bus.shutdown();
  });

  it('leaves a subscription paused that was paused by itself', async () => {
    const { bus, clock } = rig();
    const seen: number[] = [];
    const subscription = bus.subscribe(Ticked, ({ n }) => seen.push(n));
    subscription.pause();
    bus.pause();
    bus.resume();
    void bus.publish(tick(1));
    await settle(clock);
    expect(seen).toEqual([]);
  });
});

describe('unsubscribing a paused subscription', () => {
  it('calls its handler for nothing it held', async () => {
    const { bus } = rig();
    const seen: number[] = [];
    const subscription = bus.subscribe(Ticked, ({ n }) => seen.push(n));
    subscription.pause();
    const published = bus.publish(tick(1));
    subscription.unsubscribe();
    await published;
    expect(seen).toEqual([]);
  });
});

describe('an event type that this process does not know', () => {
  it('is passed over and counted, a wildcard subscription notwithstanding', async () => {
    const broker = new MemoryBroker();
    const others = new EventRegistry();
    const Foreign = defineEvent({
      type: 'Foreign',
      aggregateType: 'Watch',
      schema: z.object({}),
      registry: others,
    });
    const { bus, logger } = rig({ broker, consumerGroup: 'ours' });
    bus.subscribeToAllEvents(() => undefined);
    const publisher = new InMemoryEventBus({ broker, consumerGroup: 'theirs', registry: others, logger });
    await publisher.publish(Foreign({ aggregateId: 'f' }));
    await publisher.publish(Foreign({ aggregateId: 'f' }));
    await expect.poll(() => bus.getStats().eventsIgnored).toBe(2);
    expect(await bus.deadLetters.count()).toBe(0);
    await publisher.shutdown();
    await bus.shutdown();
  });
});

describe('consuming that is cut off by its timeout', () => {
  it('aborts the signals and leaves what it had to another consumer, unsettled', async () => {
    const broker = new MemoryBroker();
    const { bus, clock } = rig({ broker, shutdownTimeoutMs: 100 });
    const started = gate();
    let signal: AbortSignal | undefined;
    bus.subscribe(Ticked, async (_event, context) => {
      ({ signal } = context);
      started.open();
      await new Promise(() => undefined);
    });
    void bus.publish(tick(1));
    await started.promise;
    const stopped = bus.stopConsuming();
    await clock.advance(100);
    expect(await stopped).toMatchObject({ settled: 0, aborted: 1, timedOut: true });
    expect(signal?.aborted).toBe(true);
    expect(bus.getStats().inFlight).toBe(0);
    const { bus: heir } = rig({ broker });
    const seen: (number | undefined)[] = [];
    heir.subscribe(Ticked, (_event, { deliveryCount }) => seen.push(deliveryCount));
    await expect.poll(() => seen).toEqual([2]);
    await heir.shutdown();
    await bus.shutdown();
  });
});

describe('a list that shutdown cuts off', () => {
  it('rejects with what was not handled, and the report counts it as unpublished', async () => {
    const { bus, clock } = rig();
    bus.subscribe(Ticked, () => new Promise(() => undefined));
    const events = [tick(1), tick(2), tick(3)];
    const published = bus.publish(events).catch((error: unknown) => error);
    const report = bus.shutdown({ timeoutMs: 10 });
    await clock.advance(10);
    expect(await report).toMatchObject({ aborted: 1, unpublished: 2, timedOut: true });
    expect(await published).toMatchObject({
      name: 'PublishError',
      unsent: [events[1]?.eventId, events[2]?.eventId],
    });
  });
});

describe('a context kept beyond the end of its handler', () => {
  it('publishes like anybody else: not after the bus has stopped', async () => {
    const { bus } = rig();
    let kept: HandlerContext | undefined;
    bus.subscribe(Ticked, (_event, context) => void (kept = context));
    await bus.publish(tick(1));
    await bus.shutdown();
    await expect(kept?.publish(tick(2))).rejects.toMatchObject({ name: 'BusStoppedError' });
    await bus.idle();
  });
});

describe('subscribing', () => {
  it('to one type twice calls the handler once for each event', async () => {
    const { bus } = rig();
    let calls = 0;
    bus.subscribe([Ticked, Ticked], () => void calls++);
    await bus.publish(tick(1));
    expect(calls).toBe(1);
  });

  it.each([
    ['nothing', []],
    ['what is no definition', [undefined]],
  ])('to %s is refused', (_what, definitions) => {
    const { bus } = rig();
    expect(() => bus.subscribe(definitions as never, () => undefined)).toThrow(/Subscribe to/);
  });

  it('refuses a subscriber that does not say what it wants', () => {
    const { bus } = rig();
    expect(() => bus.subscribeAll({ handle: () => undefined } as never)).toThrow(/subscribedTo/);
  });
});

describe('getInfo in memory', () => {
  it('tells of dead letters and of what is in flight', async () => {
    const { bus } = rig();
    bus.subscribe(Ticked, ({ n }) => {
      if (n === 1) throw new Error('no');
      return new Promise(() => undefined);
    });
    await bus.publish(tick(1));
    void bus.publish(tick(2));
    expect(await bus.getInfo()).toMatchObject({ connected: true, dlqMessages: 1, pendingMessages: 1 });
  });
});
