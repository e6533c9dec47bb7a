import { describe, expect, it } from 'vitest';
import type { BrokerEventBus } from '../../../src/bus/api.ts';
import type { BusFacts, Hello } from '../../../src/inspector/protocol.ts';
import { Updates } from '../../../src/inspector/updates.ts';
import { Watch } from '../../../src/inspector/watch.ts';
import { memoryBus, ping, Pinged, settle } from '../../support/memory-bus.ts';

const hello = {} as Hello;

/** A page of that bus, which takes what is new when the test asks for it. */
function pageOf(bus: BrokerEventBus) {
  const pages: Updates[] = [];
  const watch = new Watch({ changed: (id) => pages[0]?.changed(id), gone: (id) => pages[0]?.gone(id) });
  bus.inspect(watch.observe, { eventsPerSecond: 5 });
  const page = new Updates({ watch, samples: [], hello, facts: () => ({}) as BusFacts });
  pages.push(page);
  return { next: () => page.next() ?? {}, watch };
}

function failingBus(maxRetries: number) {
  const rig = memoryBus({ retry: { maxRetries, baseDelayMs: 1000 } });
  const subscription = rig.bus.subscribe(Pinged, () => {
    throw new Error('no');
  });
  return { ...rig, subscription };
}

describe('a page is told', () => {
  it('of the rows that come, and that those it knows have gone, once', async () => {
    const { bus, clock } = failingBus(1);
    const { next } = pageOf(bus);
    expect(next().actors?.map(({ kind }) => kind)).not.toContain('delivery');
    void bus.publish(ping());
    await settle(clock);
    const { actors = [], gone } = next();
    const known = actors.filter(({ kind }) => kind === 'delivery').map(({ id }) => id);
    expect(known).toHaveLength(1);
    expect(gone).toBeUndefined();
    await clock.advance(5000);
    expect(next().gone).toEqual(known);
    expect(next()).toEqual({});
  });

  it('of nothing that came and went while it did not listen, however much that was', async () => {
    const { bus } = failingBus(0);
    const { next, watch } = pageOf(bus);
    next();
    for (let n = 0; n < 100; n++) await bus.publish(ping(n));
    expect(bus.getStats().deadLettered).toBe(100);
    const { actors = [], gone = [] } = next();
    expect(gone).toEqual([]);
    expect(actors.length).toBeLessThanOrEqual([...watch.ids].length);
  });

  it('how many deliveries in trouble have no row, when that changes', async () => {
    const { bus, clock, subscription } = failingBus(1);
    const { next } = pageOf(bus);
    expect(next().unlisted).toBeUndefined();
    const publishing = Array.from({ length: 210 }, (_, n) => bus.publish(ping(n, `ball-${n}`)));
    await settle(clock);
    expect(next()).toMatchObject({ unlisted: 10 });
    expect(next().unlisted).toBeUndefined();
    // It waits for no retry any more.
    subscription.unsubscribe();
    await Promise.all(publishing);
    expect(next()).toMatchObject({ unlisted: 0 });
  });
});
