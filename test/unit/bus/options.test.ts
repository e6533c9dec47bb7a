import { browsed } from '../../support/dead-letters.ts';
import { hostname } from 'node:os';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { busOptionsSchema, busSettings, BROKER_DEFAULTS, retrySchema } from '../../../src/bus/options.ts';
import { ConfigurationError, PublishError } from '../../../src/errors.ts';
import { defineEvent } from '../../../src/events/define-event.ts';
import { EventRegistry } from '../../../src/events/registry.ts';
import { VirtualClock } from '../../../src/testing/clock.ts';
import { InMemoryEventBus, MemoryBroker } from '../../../src/transports/memory/index.ts';
import { gate, memoryBus, ping, Pinged, registry, settle } from '../../support/memory-bus.ts';
import { forget, recordMetrics, recordTraces } from '../../support/recorded-telemetry.ts';

const fail = (): never => {
  throw new Error('x');
};

/** How often a failing handler runs, and when. */
async function runsOf(options: Parameters<typeof memoryBus>[0], wait = 100_000): Promise<number[]> {
  const { bus, clock } = memoryBus({ random: () => 0.5, ...options });
  const start = clock.now();
  const runs: number[] = [];
  bus.subscribe(Pinged, () => {
    runs.push(clock.now() - start);
    throw new Error('x');
  });
  void bus.publish(ping());
  await clock.advance(wait);
  return runs;
}

/** What is traced of one publish and its delivery. */
async function spansOf(options: Parameters<typeof memoryBus>[0]) {
  const traces = recordTraces();
  const { bus } = memoryBus(options);
  bus.subscribe(Pinged, () => undefined);
  await bus.publish(ping());
  forget();
  return traces.spans;
}

/** How far a broker that is down lets a bus come. */
function cutOff(options: Parameters<typeof memoryBus>[0]) {
  const broker = new MemoryBroker();
  broker.crash();
  return memoryBus({ broker, ...options });
}

/** Most deliveries that run at once of five published, each of its own aggregate. */
async function mostAtOnce(options: Parameters<typeof memoryBus>[0], key?: string): Promise<number> {
  const { bus, clock } = memoryBus(options);
  const ended = gate();
  let running = 0;
  bus.subscribe(Pinged, () => {
    running++;
    return ended.promise;
  });
  for (let n = 0; n < 5; n++) void bus.publish(ping(n, key ?? `ball ${n}`));
  await settle(clock);
  const most = running;
  ended.open();
  await bus.idle();
  return most;
}

/** Each option, and a test in which it changes what a bus does. */
const proofs: Record<string, () => Promise<void>> = {
  registry: async () => {
    const { bus } = memoryBus({ registry: new EventRegistry() });
    await expect(bus.publish({ ...ping() })).rejects.toThrow(/Pinged/);
    const known = memoryBus({ registry });
    await known.bus.publish({ ...ping() });
  },
  codec: async () => {
    const bodies: string[] = [];
    const own = new EventRegistry();
    const Named = defineEvent({
      type: 'Named',
      aggregateType: 'A',
      registry: own,
      schema: z.object({ firstName: z.string() }),
    });
    for (const payloadKeys of ['as-written', 'snake_case'] as const) {
      const { bus } = memoryBus({ registry: own, codec: { payloadKeys } });
      bus.subscribe(Named, fail);
      await bus.publish(Named({ aggregateId: 'a', firstName: 'b' }));
      bodies.push(Buffer.from((await bus.getDlqMessages())[0]?.body ?? []).toString());
    }
    expect(bodies[0]).toContain('"firstName"');
    expect(bodies[1]).toContain('"first_name"');
  },
  validateOn: async () => {
    const results: unknown[] = [];
    const strict = new EventRegistry();
    const lax = new EventRegistry();
    const common = { type: 'T', aggregateType: 'A' };
    const Lax = defineEvent({ ...common, registry: lax, schema: z.object({ a: z.unknown() }) });
    const Strict = defineEvent({ ...common, registry: strict, schema: z.object({ a: z.string() }) });
    for (const validateOn of ['both', 'publish'] as const) {
      const broker = new MemoryBroker();
      const reader = memoryBus({ broker, registry: strict, validateOn });
      const writer = memoryBus({ broker, registry: lax, consumerGroup: 'writers' });
      reader.bus.subscribe(Strict, ({ a }) => results.push([validateOn, a]));
      await writer.bus.publish(Lax({ aggregateId: 'a', a: 5 }));
      await reader.bus.idle();
      results.push(await reader.bus.deadLetters.count({ reason: 'decode-failed' }));
    }
    expect(results).toEqual([1, ['publish', 5], 0]);
  },
  consumerGroup: async () => {
    const broker = new MemoryBroker();
    const seen: string[] = [];
    for (const consumerGroup of ['one', 'one', 'two']) {
      const { bus } = memoryBus({ broker, consumerGroup });
      bus.subscribe(Pinged, (_, { group }) => seen.push(group));
      await bus.waitFor('consuming');
    }
    const { bus } = memoryBus({ broker, consumerGroup: 'publishers' });
    await bus.publish(ping());
    await expect.poll(() => seen.toSorted()).toEqual(['one', 'two']);
  },
  consumerName: async () => {
    const consumers: (string | undefined)[] = [];
    const broker = new MemoryBroker();
    for (const options of [{ consumerName: 'me' }, {}]) {
      const { bus } = memoryBus({ broker, ...options });
      bus.subscribe(Pinged, fail);
      await bus.publish(ping());
      await bus.idle();
      const [stored] = await browsed(broker, '*');
      consumers.push(stored?.message.headers['x-consumer']);
      await broker.remove(stored === undefined ? [] : [stored]);
      await bus.shutdown();
    }
    expect(consumers[0]).toMatch(/^me~[0-9a-f]{8}$/);
    expect(consumers[1]?.startsWith(`${hostname()}~`)).toBe(true);
  },
  concurrency: async () => {
    expect(await mostAtOnce({ ordering: 'key', concurrency: 2 })).toBe(2);
    expect(await mostAtOnce({ ordering: 'key' })).toBe(5);
  },
  ordering: async () => {
    expect(await mostAtOnce({ ordering: 'key' }, 'one ball')).toBe(1);
    expect(await mostAtOnce({ ordering: 'none' }, 'one ball')).toBe(5);
  },
  onUnwanted: async () => {
    const counts: number[] = [];
    for (const onUnwanted of ['ack', 'dead-letter'] as const) {
      const { bus } = memoryBus({ broker: new MemoryBroker(), onUnwanted });
      const other = defineEvent({
        type: 'Other',
        aggregateType: 'A',
        schema: z.object({}),
        registry: new EventRegistry(),
      });
      bus.subscribe(Pinged, () => undefined);
      await bus.publish(other({ aggregateId: 'a' }));
      await bus.idle();
      counts.push(await bus.deadLetters.count());
    }
    expect(counts).toEqual([0, 1]);
  },
  maxDeliveries: async () => {
    const runs: number[] = [];
    for (const maxDeliveries of [1, 20]) {
      const broker = new MemoryBroker();
      const { bus, clock } = memoryBus({ broker, maxDeliveries });
      let begun = 0;
      bus.subscribe(Pinged, () => {
        begun++;
        return gate().promise;
      });
      await bus.waitFor('consuming');
      void bus.publish(ping()).catch(() => undefined);
      await settle(clock);
      broker.crash();
      broker.start();
      await clock.advance(60_000);
      runs.push(begun);
      expect(await bus.deadLetters.count({ reason: 'too-many-deliveries' })).toBe(
        maxDeliveries === 1 ? 1 : 0,
      );
    }
    expect(runs[0]).toBe(1);
    expect(runs[1]).toBe(2);
  },
  connectTimeoutMs: async () => {
    const { bus, clock } = cutOff({ connectTimeoutMs: 700 });
    let error: unknown;
    void bus.connect().catch((reason: unknown) => (error = reason));
    await clock.advance(699);
    expect(error).toBeUndefined();
    await clock.advance(1);
    expect(String(error)).toContain('memory');
  },
  publishTimeoutMs: async () => {
    const { bus, clock } = cutOff({ connectTimeoutMs: Infinity, publishTimeoutMs: 900 });
    let error: unknown;
    void bus.publish(ping()).catch((reason: unknown) => (error = reason));
    await clock.advance(899);
    expect(error).toBeUndefined();
    await clock.advance(1);
    expect(error).toBeInstanceOf(PublishError);
  },
  maxQueuedPublishes: async () => {
    const { bus } = cutOff({ maxQueuedPublishes: 2, connectTimeoutMs: Infinity });
    void bus.publish([ping(), ping()]).catch(() => undefined);
    await expect(bus.publish(ping())).rejects.toMatchObject({ code: 'OVERLOADED' });
  },
  abortGraceMs: async () => {
    const zombies: number[] = [];
    for (const abortGraceMs of [0, 10_000]) {
      const { bus, clock } = memoryBus({ abortGraceMs });
      const ended = gate();
      bus.subscribe(Pinged, () => ended.promise, { timeoutMs: 80 });
      void bus.publish(ping());
      await clock.advance(200);
      zombies.push(bus.getStats().zombieHandlers);
      ended.open();
    }
    expect(zombies).toEqual([1, 0]);
  },
  retry: async () => {
    expect(await runsOf({ retry: { maxRetries: 2, baseDelayMs: 10, jitter: 0 } })).toEqual([0, 10, 30]);
  },
  'retry.maxRetries': async () => {
    expect(await runsOf({ retry: { maxRetries: 3 } })).toHaveLength(4);
  },
  'retry.baseDelayMs': async () => {
    expect(await runsOf({ retry: { maxRetries: 1, baseDelayMs: 70 } })).toEqual([0, 70]);
    expect(await runsOf({ retry: { maxRetries: 1 } })).toEqual([0, 1000]);
  },
  'retry.maxDelayMs': async () => {
    expect(await runsOf({ retry: { maxRetries: 1, maxDelayMs: 400 } })).toEqual([0, 400]);
  },
  'retry.jitter': async () => {
    expect(await runsOf({ retry: { maxRetries: 1, jitter: 1 }, random: () => 0.75 })).toEqual([0, 1500]);
    expect(await runsOf({ retry: { maxRetries: 1, jitter: 0 }, random: () => 0.75 })).toEqual([0, 1000]);
  },
  'retry.classify': async () => {
    expect(await runsOf({ retry: { maxRetries: 1, classify: () => 'drop' } })).toEqual([0]);
  },
  maxRetries: async () => {
    expect(await runsOf({ maxRetries: 2 })).toHaveLength(3);
    expect(await runsOf({})).toHaveLength(1);
  },
  enableDlq: async () => {
    for (const enableDlq of [true, false]) {
      const { bus } = memoryBus({ enableDlq });
      bus.subscribe(Pinged, fail);
      await bus.publish(ping());
      expect(await bus.deadLetters.count()).toBe(enableDlq ? 1 : 0);
    }
  },
  shutdownTimeoutMs: async () => {
    const { bus, clock } = memoryBus({ shutdownTimeoutMs: 50 });
    bus.subscribe(Pinged, () => gate().promise);
    void bus.publish(ping());
    const stopped = bus.shutdown();
    await clock.advance(50);
    expect((await stopped).timedOut).toBe(true);
  },
  maxBackgroundTasks: async () => {
    const { bus } = memoryBus({ maxBackgroundTasks: 0 });
    let hasEnded = false;
    bus.subscribe(Pinged, async () => {
      await Promise.resolve();
      hasEnded = true;
    });
    await bus.publish(ping(), { background: true });
    expect(hasEnded).toBe(true);
  },
  inspect: async () => {
    const types = new Set<string>();
    const { bus } = memoryBus({ inspect: ({ type }) => types.add(type) });
    await bus.publish(ping());
    expect([...types]).toContain('@xstate.actor');
    expect([...types]).toContain('@xstate.event');
  },
  clock: async () => {
    const clock = new VirtualClock(0);
    const { bus } = memoryBus({ clock });
    bus.subscribe(Pinged, fail);
    await bus.publish(ping());
    expect((await bus.getDlqMessages())[0]?.lastFailedAt).toEqual(new Date(0));
  },
  random: async () => {
    expect(await runsOf({ maxRetries: 1, random: () => 0 })).toEqual([0, 900]);
  },
  logger: async () => {
    const { bus, logger } = memoryBus();
    await bus.publish(ping());
    expect(logger.at('warn')).toHaveLength(1);
  },
  enableTracing: async () => {
    expect(await spansOf({})).toHaveLength(3);
    expect(await spansOf({ enableTracing: false })).toEqual([]);
  },
  tracing: async () => {
    const parents = async (relation: 'child' | 'link') =>
      (await spansOf({ tracing: { relation } })).filter(({ parent }) => parent === undefined).length;
    expect(await parents('child')).toBe(1);
    expect(await parents('link')).toBe(2);
  },
  enableMetrics: async () => {
    const { collect } = recordMetrics();
    const { bus } = memoryBus({ enableMetrics: false });
    await bus.publish(ping());
    expect((await collect()).size).toBe(0);
    await memoryBus().bus.publish(ping());
    expect((await collect()).get('messaging.client.sent.messages')?.[0]?.value).toBe(1);
  },
  broker: async () => {
    const broker = new MemoryBroker();
    const reader = memoryBus({ broker, consumerGroup: 'readers' });
    const seen: number[] = [];
    reader.bus.subscribe(Pinged, ({ n }) => seen.push(n));
    await reader.bus.waitFor('consuming');
    await memoryBus({ broker, consumerGroup: 'writers' }).bus.publish(ping(4));
    await expect.poll(() => seen).toEqual([4]);
  },
  maxDeadLetters: async () => {
    const { bus } = memoryBus({ maxDeadLetters: 1 });
    bus.subscribe(Pinged, fail);
    await bus.publish([ping(1), ping(2)]);
    expect(await bus.deadLetters.count()).toBe(1);
  },
};

describe('an option of the bus', () => {
  const inMemory = ['broker', 'maxDeadLetters'];
  const expected = [
    ...Object.keys(busOptionsSchema.shape),
    ...Object.keys(retrySchema.shape).map((key) => `retry.${key}`),
    ...inMemory,
  ];

  it('has a test in which it changes something, each one', () => {
    expect(Object.keys(proofs).toSorted()).toEqual(expected.toSorted());
  });

  it.each(Object.entries(proofs))('is alive: %s', async (_, proof) => proof());
});

describe('wrong options', () => {
  const messageOf = (options: object): string => {
    try {
      return `nothing wrong in ${new InMemoryEventBus(options).state}`;
    } catch (error) {
      expect(error).toBeInstanceOf(ConfigurationError);
      return (error as Error).message;
    }
  };

  it.each([
    [{ concurrency: 0 }, ['concurrency', '0', '1']],
    [{ concurrency: 2.5 }, ['concurrency', '2.5', 'int']],
    [{ ordering: 'keys' }, ['ordering', '"keys"', '"key"', '"none"']],
    [{ connectTimeoutMs: -1 }, ['connectTimeoutMs', '-1']],
    [{ publishTimeoutMs: 0 }, ['publishTimeoutMs', '0', '1']],
    [{ retry: { jitter: 2 } }, ['retry.jitter', '2', '1']],
    [{ retry: { attempts: 2 } }, ['attempts', 'no such option']],
    [{ codec: { payloadKeys: 'x' } }, ['codec.payloadKeys', '"x"', 'snake_case']],
    [{ consumerGroup: '' }, ['consumerGroup', '""']],
    [{ registry: {} }, ['registry', 'EventRegistry']],
    [{ logger: { warn: () => 0 } }, ['logger', 'debug, info, warn and error']],
    [{ clock: {} }, ['clock', 'now, setTimeout, clearTimeout']],
    [{ random: 4 }, ['random', '4', 'function']],
    [{ broker: {} }, ['broker', 'MemoryBroker']],
    [{ maxDeadLetters: 0 }, ['maxDeadLetters', '0', '1']],
    [{ maxRetry: 3 }, ['maxRetry', 'no such option']],
    [{ concurrency: -1, ordering: 5 }, ['concurrency', '-1', 'ordering', '5']],
  ])('are named with their value and what is allowed: %j', (options, parts) => {
    const message = messageOf(options);
    for (const part of parts) expect(message).toContain(part);
  });

  it('include both forms of maxRetries at once', () => {
    expect(messageOf({ maxRetries: 1, retry: { maxRetries: 1 } })).toMatch(/maxRetries.*not both/);
  });

  it('of a subscription are named too, and nothing is subscribed', () => {
    const { bus } = memoryBus();
    expect(() => bus.subscribe(Pinged, fail, { timeoutMs: -1 })).toThrow(/timeoutMs.*-1/);
    expect(() => bus.subscribe(Pinged, fail, { retry: { maxRetries: -1 } })).toThrow(/maxRetries.*-1/);
    expect(() => bus.subscribe(Pinged, fail, { retry: { max: 1 } as never })).toThrow(/max: no such option/);
    expect(() => bus.subscribe(Pinged, null as never)).toThrow(/null/);
    expect(() => bus.subscribe(Pinged, {} as never)).toThrow(ConfigurationError);
    expect(bus.getSubscriberCount()).toBe(0);
  });
});

describe('defaults', () => {
  it('are these on a broker', () => {
    expect(busSettings({}, BROKER_DEFAULTS)).toMatchObject({
      concurrency: 16,
      ordering: 'key',
      onUnwanted: 'ack',
      maxDeliveries: 20,
      connectTimeoutMs: 10_000,
      publishTimeoutMs: 30_000,
      maxQueuedPublishes: 10_000,
      abortGraceMs: 10_000,
      retry: { maxRetries: 3, baseDelayMs: 1000, maxDelayMs: 60_000, jitter: 0.1 },
      enableDlq: true,
      shutdownTimeoutMs: 30_000,
      maxBackgroundTasks: 1000,
      consumerGroup: undefined,
      validateOn: 'both',
      payloadKeys: 'as-written',
    });
  });
});
