import { describe, expect, it } from 'vitest';
import type { Subscription } from '../../../src/index.ts';
import { memoryBus, ping, Pinged, pong, Ponged, settle } from '../../support/memory-bus.ts';

describe('subscribing', () => {
  it('takes functions and objects, sync and async, and awaits anything thenable', async () => {
    const { bus } = memoryBus();
    const ended: string[] = [];
    class Projection {
      readonly name = 'projection';
      handle(): void {
        ended.push(this.name);
      }
    }
    bus.subscribe(Pinged, () => ended.push('function'));
    bus.subscribe(Pinged, async () => {
      await Promise.resolve();
      ended.push('async function');
    });
    bus.subscribe(Pinged, new Projection());
    bus.subscribe(Pinged, {
      handle: async () => {
        await Promise.resolve();
        ended.push('async object');
      },
    });
    bus.subscribe(Pinged, () => ({
      then: (resolve: () => void) =>
        queueMicrotask(() => {
          ended.push('thenable');
          resolve();
        }),
    }));
    await bus.publish(ping());
    expect(ended.toSorted()).toEqual([
      'async function',
      'async object',
      'function',
      'projection',
      'thenable',
    ]);
  });

  it('asks a subscriber once what it wants', async () => {
    const { bus } = memoryBus();
    let asked = 0;
    const seen: string[] = [];
    const subscription = bus.subscribeAll({
      subscribedTo: () => {
        asked++;
        return [Pinged, Ponged];
      },
      handle: ({ eventType }: { eventType: string }) => seen.push(eventType),
    });
    await bus.publish([ping(), pong()]);
    expect({ asked, seen }).toEqual({ asked: 1, seen: ['Pinged', 'Ponged'] });
    subscription.unsubscribe();
    await bus.publish(ping());
    expect(seen).toHaveLength(2);
  });

  it('is counted, by type and for all, and undone by handler', () => {
    const { bus } = memoryBus();
    const handler = (): void => undefined;
    bus.subscribe(Pinged, handler);
    bus.subscribe([Pinged, Ponged], handler, { name: 'both' });
    bus.subscribeToAllEvents(handler);
    expect(bus.getSubscriberCount()).toBe(2);
    expect(bus.getSubscriberCount(Pinged)).toBe(2);
    expect(bus.getSubscriberCount(Ponged)).toBe(1);
    expect(bus.getWildcardSubscriberCount()).toBe(1);
    expect(bus.unsubscribe(Pinged, handler)).toBe(true);
    expect(bus.getSubscriberCount(Pinged)).toBe(1);
    expect(bus.unsubscribe(Ponged, () => undefined)).toBe(false);
    expect(bus.unsubscribeFromAllEvents(handler)).toBe(true);
    expect(bus.unsubscribeFromAllEvents(handler)).toBe(false);
    bus.clearSubscribers();
    expect(bus.getSubscriberCount() + bus.getWildcardSubscriberCount()).toBe(0);
  });

  it('takes effect from within a handler for the next event, not for the one it is in', async () => {
    const { bus } = memoryBus();
    const seen: string[] = [];
    bus.subscribe(Pinged, ({ n }) => {
      if (n === 1) bus.subscribe(Pinged, (event) => seen.push(`late ${event.n}`), { name: 'late' });
    });
    await bus.publish([ping(1), ping(2)]);
    expect(seen).toEqual(['late 2']);
  });

  it('from within a handler can be paused, resumed and undone at once', async () => {
    const { bus } = memoryBus();
    const seen: string[] = [];
    let paused: Subscription | undefined;
    bus.subscribe(Pinged, ({ n }) => {
      if (n !== 1) return;
      bus.subscribe(Pinged, () => seen.push('gone'), { name: 'gone' }).unsubscribe();
      paused = bus.subscribe(Pinged, (event) => seen.push(`paused ${event.n}`), { name: 'paused' });
      expect(() => paused?.actor).toThrow(/within a handler/);
      paused.pause();
    });
    await bus.publish(ping(1));
    const published = bus.publish(ping(2));
    expect(seen).toEqual([]);
    expect(paused?.actor.getSnapshot().value).toBe('paused');
    paused?.resume();
    await published;
    expect(seen).toEqual(['paused 2']);
    expect(bus.getStats().handlerErrors).toBe(0);
  });

  it('names a subscription by option, class, function, or types; doubles get a number and a warning', () => {
    const { bus, logger } = memoryBus();
    class Projection {
      handle(): void {}
    }
    function notify(): void {}
    const names = [
      bus.subscribe(Pinged, notify, { name: 'given' }),
      bus.subscribe(Pinged, new Projection()),
      bus.subscribe(Pinged, notify),
      bus.subscribe([Pinged, Ponged], () => undefined),
      bus.subscribeToAllEvents({ handle: () => undefined }),
      bus.subscribe(Ponged, notify),
      bus.subscribe(Ponged, notify),
    ].map(({ name }) => name);
    expect(names).toEqual([
      'given',
      'Projection',
      'notify',
      'Pinged+Ponged',
      'all events',
      'notify#2',
      'notify#3',
    ]);
    expect(logger.at('warn')).toHaveLength(2);
  });

  it('ends with its signal, at once when that has aborted before', async () => {
    const { bus } = memoryBus();
    const seen: number[] = [];
    const controller = new AbortController();
    bus.subscribe(Pinged, ({ n }) => seen.push(n), { signal: controller.signal });
    bus.subscribe(Pinged, () => seen.push(-1), { signal: AbortSignal.abort() });
    await bus.publish(ping(1));
    controller.abort();
    await bus.publish(ping(2));
    expect(seen).toEqual([1]);
    expect(bus.getSubscriberCount()).toBe(0);
  });

  it('ends with `using`, and a running attempt finishes', async () => {
    const { bus, clock } = memoryBus();
    const seen: string[] = [];
    let published;
    {
      using subscription = bus.subscribe(Pinged, async () => {
        seen.push('begins');
        await Promise.resolve();
        seen.push('ends');
      });
      await subscription.ready;
      published = bus.publish(ping());
    }
    await published;
    await bus.publish(ping());
    await settle(clock);
    expect(seen).toEqual(['begins', 'ends']);
  });

  it('can be undone twice, and undoes no later subscription of its name', () => {
    const { bus } = memoryBus();
    const first = bus.subscribe(Pinged, () => undefined, { name: 'same' });
    first.unsubscribe();
    const second = bus.subscribe(Pinged, () => undefined, { name: 'same' });
    first.unsubscribe();
    expect(second.name).toBe('same');
    expect(bus.getSubscriberCount()).toBe(1);
  });

  it('shows the state of its deliveries in its actor', async () => {
    const { bus, clock } = memoryBus({ maxRetries: 1 });
    const { actor } = bus.subscribe(Pinged, (_, { attempt }) => {
      if (attempt === 1) throw new Error('x');
    });
    expect(actor.getSnapshot().value).toBe('consuming');
    void bus.publish(ping());
    await settle(clock);
    expect(actor.getSnapshot().value).toBe('retrying');
    await clock.advance(1200);
    expect(actor.getSnapshot().value).toBe('consuming');
  });
});

describe('inspecting', () => {
  it('shows each delivery, until it is ended', async () => {
    const { bus } = memoryBus();
    bus.subscribe(Pinged, () => undefined);
    let deliveries = 0;
    const end = bus.inspect((event) => {
      if (event.type === '@xstate.event' && event.event.type === 'deliver') deliveries++;
    });
    await bus.publish([ping(), ping()]);
    expect(deliveries).toBe(2);
    end();
    await bus.publish(ping());
    expect(deliveries).toBe(2);
  });

  it('survives an observer that throws: it is told of nothing more, and the bus goes on', async () => {
    const { bus, logger } = memoryBus();
    const seen: number[] = [];
    bus.subscribe(Pinged, ({ n }) => seen.push(n));
    let told = 0;
    bus.inspect(() => {
      told++;
      throw new Error('observer');
    });
    await bus.publish([ping(1), ping(2)]);
    expect(seen).toEqual([1, 2]);
    expect(told).toBe(1);
    expect(logger.at('error')).toHaveLength(1);
  });
});
