import { createInspector, type StatelyInspectionEvent } from '@statelyai/inspect';
import type { AnyActorRef, InspectionEvent } from 'xstate';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { ConfigurationError } from '../../../src/errors.ts';
import { defineEvent } from '../../../src/events/define-event.ts';
import type { InspectOptions } from '../../../src/observability/inspection.ts';
import { gate, memoryBus, ping, Pinged, registry, settle } from '../../support/memory-bus.ts';

const SECRET = 'hunter2';

/** Counts what an observer is shown, by the type of the message it is about. */
function counter() {
  const counts: Record<string, number> = {};
  const observer = (event: InspectionEvent): void => {
    if (event.type !== '@xstate.event') return;
    counts[event.event.type] = (counts[event.event.type] ?? 0) + 1;
  };
  return { counts, observer };
}

async function publishOneByOne(bus: ReturnType<typeof memoryBus>['bus'], count: number): Promise<void> {
  for (let n = 0; n < count; n++) await bus.publish(ping(n));
}

describe('of publishes and deliveries an observer', () => {
  it('is shown 20 of each a second, and as many at once after a rest', async () => {
    const { bus, clock } = memoryBus();
    bus.subscribe(Pinged, () => undefined);
    const { counts, observer } = counter();
    bus.inspect(observer);
    await publishOneByOne(bus, 100);
    expect(counts).toMatchObject({ publish: 20, deliver: 20 });
    for (let tenth = 0; tenth < 10; tenth++) {
      await clock.advance(100);
      await publishOneByOne(bus, 10);
    }
    expect(counts).toMatchObject({ publish: 40, deliver: 40 });
    await clock.advance(60_000);
    await publishOneByOne(bus, 100);
    expect(counts).toMatchObject({ publish: 60, deliver: 60 });
  });

  it.each([
    { eventsPerSecond: Infinity, shown: 100 },
    { eventsPerSecond: 3, shown: 3 },
    { eventsPerSecond: 0, shown: undefined },
  ])('is shown $shown of 100 with eventsPerSecond $eventsPerSecond', async ({ eventsPerSecond, shown }) => {
    const { bus } = memoryBus();
    bus.subscribe(Pinged, () => undefined);
    const { counts, observer } = counter();
    bus.inspect(observer, { eventsPerSecond });
    await publishOneByOne(bus, 100);
    expect(counts['deliver']).toBe(shown);
    expect(counts['publish']).toBe(shown);
  });

  it('is shown what follows from those it was shown, and from no others', async () => {
    const { bus } = memoryBus();
    bus.subscribe(Pinged, () => undefined);
    const seen: string[] = [];
    bus.inspect(
      (event) => {
        if (event.type === '@xstate.event' || event.type === '@xstate.snapshot')
          seen.push(`${event.type} ${event.event.type}`);
      },
      { eventsPerSecond: 2 },
    );
    seen.length = 0;
    await publishOneByOne(bus, 10);
    const each = [
      '@xstate.event publish',
      '@xstate.event deliver',
      '@xstate.snapshot deliver',
      '@xstate.snapshot publish',
    ];
    expect(seen).toEqual([...each, ...each]);
  });

  it('misses nothing that another one is not shown', async () => {
    const { bus } = memoryBus();
    bus.subscribe(Pinged, () => undefined);
    const [all, few] = [counter(), counter()];
    bus.inspect(all.observer, { eventsPerSecond: Infinity });
    bus.inspect(few.observer);
    await publishOneByOne(bus, 50);
    expect(all.counts['deliver']).toBe(50);
    expect(few.counts['deliver']).toBe(20);
  });
});

describe('of lifecycles an observer', () => {
  it('is shown everything, whatever the limit', async () => {
    const { bus } = memoryBus({ retry: { maxRetries: 0 } });
    bus.subscribe(Pinged, () => {
      throw new Error('always');
    });
    const states: string[] = [];
    bus.inspect(
      (event) => {
        if (event.type === '@xstate.snapshot')
          states.push(JSON.stringify((event.snapshot as { value?: unknown }).value));
      },
      { eventsPerSecond: 0 },
    );
    await publishOneByOne(bus, 50);
    await bus.idle();
    expect(states.filter((state) => state === '"deadLettered"')).toHaveLength(50);
  });

  it('is shown each step to another state, even when not the message that leads there', async () => {
    const { bus, clock } = memoryBus();
    const ended = gate();
    bus.subscribe(Pinged, () => ended.promise);
    const steps: string[] = [];
    bus.inspect(
      (event) => {
        if (event.type !== '@xstate.microstep' && event.type !== '@xstate.snapshot') return;
        const { value } = event.snapshot as { value?: { lifecycle?: { draining?: unknown } } };
        if (event.event.type === 'idle') steps.push(`${event.type} ${String(value?.lifecycle?.draining)}`);
      },
      { eventsPerSecond: 0 },
    );
    for (let n = 0; n < 10; n++) void bus.publish(ping(n));
    const stopped = bus.shutdown();
    await settle(clock);
    ended.open();
    await stopped;
    expect(steps).toEqual(['@xstate.microstep closing', '@xstate.snapshot closing']);
  });

  it('that comes late is told of the whole tree, parents first, each with its state', async () => {
    const { bus } = memoryBus({ retry: { maxRetries: 1 } });
    bus.subscribe(Pinged, () => Promise.reject(new Error('again')), { name: 'fails' });
    void bus.publish(ping());
    await new Promise((resolve) => setImmediate(resolve));
    const names = new Map<string, string>();
    const tree: string[] = [];
    bus.inspect((event) => {
      const actorRef = event.actorRef as AnyActorRef & { readonly _parent?: AnyActorRef };
      if (event.type === '@xstate.actor') {
        names.set(actorRef.sessionId, actorRef.id);
        const parent = actorRef._parent;
        tree.push(`${parent === undefined ? '' : `${names.get(parent.sessionId)} → `}${actorRef.id}`);
      }
      if (event.type === '@xstate.snapshot') {
        const { value } = event.snapshot as { value?: unknown };
        tree.push(`  ${JSON.stringify(value)}`);
      }
    });
    expect(tree).toEqual([
      'bus',
      '  {"lifecycle":"consuming","publishing":"flowing","deadLetters":"none"}',
      'bus → consumer',
      '  {"lifecycle":"consuming","deliveries":{"retrying":"waiting"},"lanes":"moving","progress":"unwatched"}',
      'consumer → deliveries',
      '  "supervising"',
      'deliveries → delivery',
      '  "retrying"',
      'bus → subscription.0',
      '  "retrying"',
      'subscription.0 → handler',
      '  "consuming"',
    ]);
  });

  it('may ask an actor for its state from the first moment on', () => {
    const { bus, logger } = memoryBus();
    const statuses: string[] = [];
    bus.inspect(({ type, actorRef }) => {
      if (type === '@xstate.actor') statuses.push((actorRef.getSnapshot() as { status: string }).status);
    });
    bus.subscribe(Pinged, () => undefined);
    expect(statuses).toEqual(['active', 'active', 'active', 'active', 'active']);
    expect(logger.at('error')).toEqual([]);
  });

  it('given to the constructor is told from the first actor on', () => {
    const seen: string[] = [];
    const { bus } = memoryBus({
      inspect: { observer: { next: (event) => seen.push(event.type) }, payloads: 'redacted' },
    });
    expect(seen[0]).toBe('@xstate.actor');
    expect(seen).toContain('@xstate.microstep');
    expect(bus.state).toBe('consuming');
  });
});

/** All that an observer could find in what it is shown, followed to the end. */
function textOf(value: unknown, seen = new Set<object>()): string {
  if (typeof value === 'function') return '';
  if (typeof value !== 'object' || value === null) return String(value);
  if (seen.has(value)) return '';
  seen.add(value);
  const own = Object.getOwnPropertyNames(value).map((name) => {
    const inner = (value as Record<string, unknown>)[name];
    return `${name}: ${textOf(inner, seen)}`;
  });
  const snapshot = (value as { getSnapshot?: () => unknown }).getSnapshot?.();
  const parent = (value as { _parent?: unknown })._parent;
  return [...own, textOf(snapshot, seen), textOf(parent, seen)].join('\n');
}

class ApiError extends Error {
  readonly response = { body: SECRET };
  constructor() {
    super('the service answered 500', { cause: new Error(SECRET) });
  }
}

describe('of the events themselves an observer', () => {
  const Paid = defineEvent({
    type: 'Paid',
    aggregateType: 'Invoice',
    registry,
    schema: z.object({ card: z.string(), tags: z.array(z.string()) }),
  });
  const paid = () =>
    Paid({ aggregateId: 'invoice-1', card: SECRET, tags: [SECRET], metadata: { note: SECRET } });

  async function shown(options: InspectOptions, lateToo: boolean): Promise<string> {
    const { bus, clock } = memoryBus({ retry: { maxRetries: 1, baseDelayMs: 10 }, ordering: 'key' });
    const texts: string[] = [];
    const look = (event: InspectionEvent): void => void texts.push(textOf(event));
    bus.inspect(look, { eventsPerSecond: Infinity, ...options });
    bus.subscribe(Paid, () => Promise.reject(new ApiError()), { name: 'payer' });
    await bus.publish(paid(), { background: true });
    await clock.advance(0);
    if (lateToo) bus.inspect(look, options);
    await clock.advance(1000);
    await bus.idle();
    expect(bus.getStats()).toMatchObject({ retries: 1, deadLettered: 1 });
    return texts.join('\n');
  }

  it('is shown type and id, and nothing of what is in them, in their errors or in the bus', async () => {
    const text = await shown({}, true);
    expect(text).toContain('eventType: Paid');
    expect(text).toContain('the service answered 500');
    expect(text).not.toContain(SECRET);
    expect(text).not.toContain('card');
  });

  it("is shown keys and types with payloads 'redacted'", async () => {
    const text = await shown({ payloads: 'redacted' }, true);
    expect(text).toContain('card: string');
    expect(text).toContain('note: string');
    expect(text).not.toContain(SECRET);
  });

  it("is shown all of them with payloads 'full', and still no fields of errors", async () => {
    const text = await shown({ payloads: 'full' }, true);
    expect(text).toContain(`card: ${SECRET}`);
    expect(text).not.toContain('response');
  });

  it('is shown no password of an address', async () => {
    const { bus } = memoryBus();
    const messages: unknown[] = [];
    bus.subscribe(Pinged, () => {
      throw new Error(`no answer from redis://admin:${SECRET}@cache:6379/0 and amqp://:${SECRET}@mq`);
    });
    bus.inspect((event) => {
      if (event.type === '@xstate.event' && event.event.type === 'handled')
        messages.push(event.event['failure']);
    });
    await bus.publish(ping());
    expect(messages).toMatchObject([
      { error: { message: 'no answer from redis://***@cache:6379/0 and amqp://***@mq' } },
    ]);
  });
});

describe('an observer that', () => {
  it('is slow is shown fewer deliveries, told of in the log, until it has kept up for a while', async () => {
    const { bus, clock, logger } = memoryBus();
    bus.subscribe(Pinged, () => undefined);
    let shownNow = 0;
    bus.inspect(
      (event) => {
        if (event.type !== '@xstate.event' || event.event.type !== 'deliver') return;
        shownNow++;
        const end = performance.now() + 30;
        while (performance.now() < end);
      },
      { eventsPerSecond: Infinity },
    );
    await publishOneByOne(bus, 1000);
    expect(shownNow).toBeLessThan(15);
    expect(logger.at('info')).toEqual([expect.stringContaining('does not keep up')]);
    const before = shownNow;
    await clock.advance(5000);
    await bus.publish(ping());
    expect(shownNow).toBe(before + 1);
    expect(logger.at('info')).toHaveLength(1);
  });

  it('hands what it is shown to a later turn is shown no more than it can hold', async () => {
    const { bus } = memoryBus();
    bus.subscribe(Pinged, () => undefined);
    const kept: object[] = [];
    bus.inspect((event) => void kept.push(event), { eventsPerSecond: Infinity });
    await publishOneByOne(bus, 20_000);
    expect(kept.length).toBeGreaterThan(100);
    expect(kept.length).toBeLessThan(10_100);
  });

  it('answers by promises that stay open is shown no more than so many', async () => {
    const { bus, clock } = memoryBus();
    bus.subscribe(Pinged, () => undefined);
    const held = gate();
    let told = 0;
    bus.inspect(
      () => {
        told++;
        return held.promise as unknown as void;
      },
      { eventsPerSecond: Infinity },
    );
    for (let round = 0; round < 10; round++) {
      await publishOneByOne(bus, 1000);
      await clock.advance(1000);
    }
    expect(told).toBeLessThan(10_100);
    held.open();
    await clock.advance(1000);
    const before = told;
    await bus.publish(ping());
    expect(told).toBeGreaterThan(before);
  });

  it('throws while it is told of what is there leaves nothing behind', async () => {
    const { bus, clock, logger } = memoryBus();
    bus.subscribe(Pinged, () => undefined);
    let told = 0;
    bus.inspect(() => {
      told++;
      throw new Error('observer');
    });
    await bus.publish(ping());
    expect(told).toBe(1);
    expect(logger.at('error')).toHaveLength(1);
    expect(clock.pending).toBe(0);
  });

  it('rejects is complained of once, however much it was told of before that was seen', async () => {
    const { bus, clock, logger } = memoryBus();
    bus.subscribe(Pinged, () => undefined);
    let told = 0;
    bus.inspect(
      () => {
        told++;
        return Promise.reject(new Error('observer')) as unknown as void;
      },
      { eventsPerSecond: Infinity },
    );
    const publishing = Array.from({ length: 100 }, (_, n) => bus.publish(ping(n)));
    const before = told;
    await Promise.all(publishing);
    await clock.advance(0);
    expect(before).toBeGreaterThan(100);
    expect(logger.at('error')).toEqual([expect.stringContaining('is told of nothing more')]);
    await bus.publish(ping());
    expect(told).toBe(before);
  });

  it('has no next, or comes with an option that there is not, is refused', () => {
    const { bus } = memoryBus();
    expect(() => bus.inspect({} as never)).toThrow(ConfigurationError);
    expect(() => bus.inspect(() => undefined, { payloads: 'some' as 'none' })).toThrow(/payloads/);
    expect(() => bus.inspect(() => undefined, { eventsPerSecond: -1 })).toThrow(/eventsPerSecond/);
    expect(() => memoryBus({ inspect: { observer: {} } as never })).toThrow(/inspect/);
  });
});

it('leaves no timer on a bus that has stopped', async () => {
  const { bus, clock } = memoryBus();
  bus.subscribe(Pinged, () => undefined);
  bus.inspect(() => undefined);
  await publishOneByOne(bus, 50);
  expect(clock.pending).toBe(1);
  await bus.shutdown();
  expect(clock.pending).toBe(0);
});

it('still shows everything to an observer of the actor system itself, until it is ended', async () => {
  const { bus } = memoryBus();
  bus.subscribe(Pinged, () => undefined);
  const { counts, observer } = counter();
  const raw = bus.actor.system.inspect(observer);
  await publishOneByOne(bus, 50);
  expect(counts).toEqual({ publish: 50, deliver: 50 });
  raw.unsubscribe();
  await publishOneByOne(bus, 50);
  expect(counts).toEqual({ publish: 50, deliver: 50 });
});

it("feeds Stately's inspector: actors with their charts, states and messages, as JSON", async () => {
  const { bus } = memoryBus();
  const sent: StatelyInspectionEvent[] = [];
  const inspector = createInspector({
    send: (event) => void sent.push(JSON.parse(JSON.stringify(event)) as StatelyInspectionEvent),
  });
  bus.inspect(inspector.inspect);
  bus.subscribe(Pinged, () => undefined, { name: 'pinged' });
  await bus.publish(ping());
  await expect
    .poll(() => sent.some((event) => event.type === '@xstate.event' && event.event.type === 'deliver'))
    .toBe(true);
  const actors = sent.filter((event) => event.type === '@xstate.actor');
  const charts = actors.map(
    ({ definition = '{}' }) => JSON.parse(definition) as { id: string; states?: object },
  );
  expect(charts.map(({ id }) => id)).toEqual(['bus', 'consumer', 'deliveries', 'subscription', 'handler']);
  expect(charts.every(({ states }) => states !== undefined)).toBe(true);
  expect(actors[3]).toMatchObject({ parentId: actors[0]?.sessionId, snapshot: { value: 'consuming' } });
});
