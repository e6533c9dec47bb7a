import { describe, expect, it } from 'vitest';
import type { BrokerEventBus } from '../../../src/bus/api.ts';
import type { ActorRow } from '../../../src/inspector/protocol.ts';
import { ConnectionError } from '../../../src/errors.ts';
import { Watch } from '../../../src/inspector/watch.ts';
import { gate, memoryBus, ping, Pinged, settle } from '../../support/memory-bus.ts';
import { idleBus, scriptedBus } from '../../support/scripted-broker.ts';

/** How many deliveries in trouble are shown one by one. */
const LISTED = 200;

/** What the page would be told of the actors of a bus. */
function watched(bus: BrokerEventBus, eventsPerSecond = 5) {
  const told = { changed: new Set<string>(), gone: [] as string[] };
  const watch = new Watch({
    changed: (id) => void told.changed.add(id),
    gone: (id) => void told.gone.push(id),
  });
  bus.inspect(watch.observe, { eventsPerSecond });
  const of = (kind: ActorRow['kind']): ActorRow[] =>
    [...watch.ids].flatMap((id) => watch.row(id) ?? []).filter((row) => row.kind === kind);
  const states = (kind: ActorRow['kind']) => of(kind).map(({ state, tone }) => `${state} ${tone}`);
  return { watch, told, of, states };
}

const failing = (made: BrokerEventBus) =>
  made.subscribe(
    Pinged,
    () => {
      throw new Error('no');
    },
    { name: 'fails', retry: { maxRetries: 1, baseDelayMs: 1000 } },
  );

describe('a delivery in trouble', () => {
  it('has a row below the supervisor of deliveries, from its first failure until it is settled', async () => {
    const { bus, broker, clock } = await scriptedBus(failing);
    const { watch, told, of, states } = watched(bus);
    expect(of('delivery')).toEqual([]);
    expect(watch.troubled).toEqual({ count: 0, unlisted: 0 });
    const event = ping(1);
    const storing = gate();
    Object.assign(broker.deliver(event), { deadLetter: () => storing.promise });
    await settle(clock);
    const [row] = of('delivery');
    expect(row).toMatchObject({
      name: `Pinged ${event.eventId.slice(0, 8)}`,
      state: 'retrying',
      tone: 'busy',
      parent: of('deliveries')[0]?.id,
    });
    expect(row?.active).toContain('delivery.retrying');
    expect(watch.troubled).toEqual({ count: 1, unlisted: 0 });
    await clock.advance(1500);
    expect(states('delivery')).toEqual(['deadLettering: storing busy']);
    expect(told.changed).toContain(row?.id);
    expect(told.gone).toEqual([]);
    storing.open();
    await settle(clock);
    expect(of('delivery')).toEqual([]);
    expect(told.gone).toEqual([row?.id]);
    expect(watch.troubled).toEqual({ count: 0, unlisted: 0 });
  });

  it('that was there before the inspector has one, too', async () => {
    const { bus, broker, clock } = await scriptedBus(failing);
    broker.deliver(ping(1));
    await settle(clock);
    const { watch, states } = watched(bus);
    expect(states('delivery')).toEqual(['retrying busy']);
    expect(watch.troubled).toEqual({ count: 1, unlisted: 0 });
  });

  it(`is counted and not listed beyond ${LISTED}, until others have gone`, async () => {
    const { bus, clock } = memoryBus();
    const subscription = failing(bus);
    const { watch, of } = watched(bus);
    const publishing = Array.from({ length: LISTED + 50 }, (_, n) => bus.publish(ping(n, `ball-${n}`)));
    await settle(clock);
    expect(of('delivery')).toHaveLength(LISTED);
    expect(watch.troubled).toEqual({ count: LISTED + 50, unlisted: 50 });
    // It waits for no retry any more.
    subscription.unsubscribe();
    await Promise.all(publishing);
    expect(of('delivery')).toEqual([]);
    expect(watch.troubled).toEqual({ count: 0, unlisted: 0 });
    failing(bus);
    void bus.publish(ping());
    await settle(clock);
    expect(of('delivery')).toHaveLength(1);
    expect(watch.troubled).toEqual({ count: 1, unlisted: 0 });
  });
});

describe('a handler that drains', () => {
  it('leaves with its last attempt, even when no message of the data plane is shown', async () => {
    const { bus, clock } = memoryBus();
    const ended = gate();
    const subscription = bus.subscribe(Pinged, () => ended.promise);
    const { told, of, states } = watched(bus, 0);
    const [row] = of('handler');
    void bus.publish(ping());
    await settle(clock);
    subscription.unsubscribe();
    expect(states('handler')).toEqual(['draining busy']);
    ended.open();
    await settle(clock);
    expect(of('handler')).toEqual([]);
    expect(told.gone).toContain(row?.id);
  });
});

describe('the connection', () => {
  it('has a row below the bus, which says when it is lost, stands again, and is gone', async () => {
    const { bus, broker, clock } = idleBus({ consumerGroup: 'g' });
    const { told, of, states } = watched(bus);
    expect(of('connection')).toEqual([]);
    await bus.connect();
    const [row] = of('connection');
    expect(row).toMatchObject({ name: 'connection', parent: of('bus')[0]?.id, tone: 'good' });
    expect(row?.active).toContain('connection.open');
    expect(row?.state).toMatch(/^open/);
    // Its first pause may be none at all.
    broker.connectFailure = new ConnectionError('away');
    broker.lose();
    await settle(clock);
    expect(states('connection')).toEqual([expect.stringMatching(/^reopening.* busy$/)]);
    broker.connectFailure = undefined;
    await clock.advance(10_000);
    expect(states('connection')).toEqual([expect.stringMatching(/^open.* good$/)]);
    await bus.shutdown();
    expect(of('connection')).toEqual([]);
    expect(told.gone).toContain(row?.id);
  });
});
