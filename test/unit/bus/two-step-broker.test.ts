import { describe, expect, it } from 'vitest';
import { ConfigurationError, PublishFailure, UnroutableError } from '../../../src/errors.ts';
import { gate, ping, Pinged, pong, Ponged, settle } from '../../support/memory-bus.ts';
import { scriptedBus } from '../../support/scripted-broker.ts';

const fail = (): never => {
  throw new Error('broken');
};

describe('a broker that cannot settle by storing a dead letter', () => {
  it('has the delivery acknowledged once its dead letter is stored, and never before', async () => {
    const { broker, clock, bus } = await scriptedBus((made) => made.subscribe(Pinged, fail), {
      maxRetries: 0,
    });
    broker.refusal = new Error('no room');
    broker.deliver(ping());
    await settle(clock);
    expect(broker.asked).toEqual(['dead-letter 1']);
    await clock.advance(200);
    await settle(clock);
    expect(broker.asked).toEqual(['dead-letter 1', 'dead-letter 1', 'ack 1']);
    expect(bus.getStats()).toMatchObject({ deadLettered: 1, inFlight: 0 });
  });

  it('is not asked to settle what it has taken away while the dead letter was being stored', async () => {
    const { broker, clock } = await scriptedBus((made) => made.subscribe(Pinged, fail), { maxRetries: 0 });
    broker.refusal = new Error('no room');
    const delivery = broker.deliver(ping());
    await settle(clock);
    delivery.holder?.lost();
    await clock.advance(60_000);
    await settle(clock);
    expect(broker.asked).toEqual(['dead-letter 1']);
  });

  it('has a delivery acknowledged that is dropped for want of dead letters', async () => {
    const { broker, bus, clock } = await scriptedBus((made) => made.subscribe(Pinged, fail), {
      maxRetries: 0,
      enableDlq: false,
    });
    broker.deliver(ping());
    await settle(clock);
    expect(broker.asked).toEqual(['ack 1']);
    expect(bus.getStats()).toMatchObject({ dropped: 1, deadLettered: 0 });
  });
});

describe('a broker that wants deliveries back', () => {
  it('gets those that have not begun, and is told of one that has', async () => {
    const running = gate();
    const { broker, bus, clock } = await scriptedBus(
      (made) => made.subscribe(Pinged, () => running.promise),
      {
        concurrency: 1,
      },
    );
    const [begun, waiting] = [broker.deliver(ping(1)), broker.deliver(ping(2))];
    await settle(clock);
    expect([waiting.holder?.recall(), begun.holder?.recall()]).toEqual([true, false]);
    running.open();
    await settle(clock);
    expect(broker.asked).toEqual(['ack 1']);
    expect(bus.getStats()).toMatchObject({ released: 1, eventsConsumed: 1, inFlight: 0 });
  });

  it('gets one whose next attempt is due and waits for a slot, and no other', async () => {
    const attempts: string[] = [];
    const running = gate();
    const { broker, clock } = await scriptedBus(
      (made) =>
        made.subscribe(Pinged, async ({ n }, { attempt }) => {
          attempts.push(`${n}:${attempt}`);
          if (n === 3) await running.promise;
          else if (attempt === 1) fail();
        }),
      { concurrency: 1 },
    );
    const [one] = [broker.deliver(ping(1)), broker.deliver(ping(2)), broker.deliver(ping(3))];
    await clock.advance(60_000);
    await settle(clock);
    expect(attempts).toEqual(['1:1', '2:1', '3:1']);
    expect(one?.holder?.recall()).toBe(true);
    running.open();
    await settle(clock);
    expect(attempts).toEqual(['1:1', '2:1', '3:1', '2:2']);
    expect(broker.asked).toEqual(['ack 3', 'ack 2']);
  });

  it('does not get one of which another handler still runs, until that has ended', async () => {
    const running = gate();
    const { broker, clock } = await scriptedBus((made) => {
      made.subscribe(Pinged, fail, { name: 'failing' });
      made.subscribe(Pinged, () => running.promise, { name: 'running' });
    });
    const delivery = broker.deliver(ping());
    await settle(clock);
    expect(delivery.holder?.recall()).toBe(false);
    running.open();
    await settle(clock);
    expect(delivery.holder?.recall()).toBe(true);
    expect(broker.asked).toEqual([]);
  });

  it('lets the next of a key begin when the one before it is taken back', async () => {
    const seen: number[] = [];
    const running = gate();
    const { broker, clock } = await scriptedBus(
      (made) =>
        made.subscribe(Pinged, async ({ n }) => {
          seen.push(n);
          if (n === 0) await running.promise;
        }),
      { concurrency: 1, ordering: 'key' },
    );
    broker.deliver(ping(0, 'other'));
    const [first] = [broker.deliver(ping(1)), broker.deliver(ping(2))];
    await settle(clock);
    expect(first?.holder?.recall()).toBe(true);
    running.open();
    await settle(clock);
    expect(seen).toEqual([0, 2]);
  });
});

describe('retries that wait at the broker', () => {
  const deferring = { defersRetries: true, maxRetries: 2 } as const;

  it('are stored with the number of the next attempt, then the delivery is acknowledged', async () => {
    const { broker, bus, clock } = await scriptedBus(
      (made) => made.subscribe(Pinged, fail, { name: 'a b' }),
      deferring,
    );
    broker.deliver(ping(), { tenant: 't' });
    await settle(clock);
    expect(broker.asked).toEqual(['defer 1 1000', 'ack 1']);
    expect(broker.stored).toMatchObject({ tenant: 't', 'x-attempt': '2', 'x-target-handlers': 'a%20b' });
    expect(bus.getStats()).toMatchObject({ retries: 1, inFlight: 0, deadLettered: 0 });
  });

  it('go on counting where the last process stopped, for the handlers that failed alone', async () => {
    const attempts: string[] = [];
    const { broker, clock } = await scriptedBus((made) => {
      made.subscribe(Pinged, (_, { attempt }) => (attempts.push(`good ${attempt}`), undefined), {
        name: 'good',
      });
      made.subscribe(Pinged, (_, { attempt }) => (attempts.push(`bad ${attempt}`), fail()), { name: 'bad' });
    }, deferring);
    broker.deliver(ping());
    await settle(clock);
    for (const n of [2, 3]) {
      broker.deliver(ping(), broker.stored);
      await settle(clock);
      expect(attempts.at(-1)).toBe(`bad ${n}`);
    }
    expect(attempts).toEqual(['good 1', 'bad 1', 'bad 2', 'bad 3']);
    expect(broker.asked).toEqual([
      'defer 1 1000',
      'ack 1',
      'defer 2 2000',
      'ack 2',
      'dead-letter 3',
      'ack 3',
    ]);
    expect(broker.stored).toMatchObject({ 'x-attempt': '3', 'x-failure-reason': 'attempts-exhausted' });
  });

  it('wait in the process when another handler of the delivery has failed for good: it has one settlement', async () => {
    let isMended = false;
    const { broker, clock } = await scriptedBus((made) => {
      made.subscribe(Pinged, () => (isMended ? undefined : fail()), { name: 'flaky' });
      made.subscribe(Pinged, fail, { name: 'broken', retry: { maxRetries: 0 } });
    }, deferring);
    broker.deliver(ping());
    await settle(clock);
    expect(broker.asked).toEqual([]);
    isMended = true;
    await clock.advance(1000);
    await settle(clock);
    expect(broker.asked).toEqual(['dead-letter 1', 'ack 1']);
    expect(JSON.parse(broker.stored['x-failed-handlers'] ?? '')).toMatchObject([{ name: 'broken' }]);
  });

  it('are tried again until the broker takes them, and nothing is acknowledged before', async () => {
    const { broker, clock } = await scriptedBus((made) => made.subscribe(Pinged, fail), deferring);
    broker.refusal = new Error('no room');
    broker.deliver(ping());
    await settle(clock);
    expect(broker.asked).toEqual(['defer 1 1000']);
    await clock.advance(200);
    await settle(clock);
    expect(broker.asked).toEqual(['defer 1 1000', 'defer 1 1000', 'ack 1']);
  });

  it.each(['x', '-1', '0', '1.5'])('begin at 1 where the header says %s', async (value) => {
    const attempts: number[] = [];
    const { broker, clock } = await scriptedBus(
      (made) => made.subscribe(Pinged, (_, { attempt }) => void attempts.push(attempt)),
      deferring,
    );
    broker.deliver(ping(), { 'x-attempt': value });
    await settle(clock);
    expect(attempts).toEqual([1]);
  });
});

describe('a broker that routes by type', () => {
  it('is asked for the types of a new subscription, which is ready when they are bound', async () => {
    const { bus, broker, clock } = await scriptedBus((made) => made.subscribe(Pinged, () => undefined), {
      bindsTypes: true,
    });
    const bound = gate();
    broker.binding = bound.promise;
    const subscription = bus.subscribe(Ponged, () => undefined);
    let isReady = false;
    void subscription.ready.then(() => (isReady = true));
    await settle(clock);
    expect(broker.asked).toEqual(['want Ball.Pinged,Ball.Ponged']);
    expect(isReady).toBe(false);
    bound.open();
    await settle(clock);
    expect(isReady).toBe(true);
  });

  it('is asked for everything, and all types known by name, when a handler takes every event', async () => {
    const { bus, broker } = await scriptedBus((made) => made.subscribe(Pinged, () => undefined), {
      bindsTypes: true,
    });
    await bus.subscribeToAllEvents(() => undefined).ready;
    expect(broker.asked).toHaveLength(1);
    expect(broker.asked[0]).toMatch(/^want everything .*Ball\.Pinged,Ball\.Ponged/);
  });
});

describe('a broker that refuses', () => {
  it('to be read as the options say ends consuming with that error, and the bus can publish on', async () => {
    const { bus, broker, consumption } = await scriptedBus((made) => made.subscribe(Pinged, () => undefined));
    broker.endReading(new ConfigurationError('the queue has other arguments'));
    await expect(consumption.done).rejects.toThrow('the queue has other arguments');
    expect(bus.state).toBe('connected');
    await bus.publish(ping());
    await expect(bus.startConsumingInBackground()).resolves.toBeDefined();
  });

  it('an event without a route rejects its publish with UnroutableError, and names event and route', async () => {
    const { bus, broker } = await scriptedBus((made) => made.subscribe(Pinged, () => undefined));
    const [routed, lost] = [ping(), pong()];
    const outcome = { stored: [0], unknown: [], unsent: [1], unroutable: [{ at: 1, route: 'Ball.Ponged' }] };
    broker.publishFailure = new PublishFailure('unroutable', outcome);
    const error = await bus.publish([routed, lost]).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(UnroutableError);
    expect(error).toMatchObject({
      code: 'UNROUTABLE',
      stored: [routed.eventId],
      unsent: [lost.eventId],
      events: [{ eventId: lost.eventId, eventType: 'Ponged', route: 'Ball.Ponged' }],
    });
    expect((error as Error).message).toContain('Ball.Ponged');
  });

  it('what is published for a while makes the bus blocked, not disconnected', async () => {
    const { bus, broker } = await scriptedBus((made) => made.subscribe(Pinged, () => undefined));
    broker.connection?.onBlocked?.(true);
    expect(bus.actor.getSnapshot().hasTag('blocked')).toBe(true);
    expect(bus.state).toBe('consuming');
    expect(await bus.healthCheck()).toMatchObject({
      status: 'degraded',
      reasons: [expect.stringContaining('blocked')],
    });
    broker.connection?.onBlocked?.(false);
    expect(bus.actor.getSnapshot().hasTag('blocked')).toBe(false);
    expect(await bus.healthCheck()).toMatchObject({ status: 'healthy' });
  });

  it('counts and warns of events that it could not route, where that is asked for', async () => {
    const { bus, broker, logger } = await scriptedBus((made) => made.subscribe(Pinged, () => undefined));
    broker.notice?.({ kind: 'unroutable', count: 2, detail: 'nobody is bound to "Ball.Ponged"' });
    expect(bus.getStats()).toMatchObject({ eventsUnroutable: 2 });
    expect(logger.at('warn')).toContain('nobody is bound to "Ball.Ponged"');
  });
});
