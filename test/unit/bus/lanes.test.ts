import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { StatechartEventBus } from '../../../src/bus/event-bus.ts';
import { BROKER_DEFAULTS, busSettings, type BusOptions } from '../../../src/bus/options.ts';
import { consumerOf } from '../../../src/bus/states.ts';
import type { Connection, Delivery, Source, Transport } from '../../../src/contracts/transport.ts';
import { VirtualClock } from '../../../src/testing/clock.ts';
import { MemoryBroker } from '../../../src/transports/memory/index.ts';
import { MEMORY_CAPABILITIES, MemoryTransport } from '../../../src/transports/memory/transport.ts';
import {
  gate,
  memoryBus,
  ping,
  Pinged,
  RecordingLogger,
  registry,
  settle,
} from '../../support/memory-bus.ts';
import { runRandom } from '../../support/seed.ts';

// XState's development build, which vitest picks, warns of handlers that fail within an action of the consumer.
vi.spyOn(console, 'warn').mockImplementation(() => undefined);

/** As many as the in-memory source pulls before one is settled. */
const WINDOW = 200;

/** A bus at a broker that takes dead letters only when the test says so, and tells what it was asked to settle. */
function brokerBus(options: BusOptions = {}) {
  const clock = new VirtualClock();
  const logger = new RecordingLogger();
  const broker = new MemoryBroker();
  const inner = new MemoryTransport(broker, true);
  const faults = { storing: 'works' as 'works' | 'fails' | 'hangs' };
  const settled: string[] = [];
  const watched = (delivery: Delivery): Delivery => {
    const { ack, release, deadLetter } = delivery;
    const id = delivery.message.id;
    return Object.assign(delivery, {
      ack: () => {
        settled.push(`ack ${id}`);
        ack.call(delivery);
      },
      release: () => {
        settled.push(`release ${id}`);
        return release.call(delivery);
      },
      deadLetter: (headers: Record<string, string>): Promise<void> => {
        settled.push(`dead-letter ${id}`);
        if (faults.storing === 'fails') return Promise.reject(new Error('no room'));
        if (faults.storing === 'hangs') return new Promise(() => undefined);
        return deadLetter.call(delivery, headers);
      },
    });
  };
  const transport: Transport = {
    name: 'memory',
    destination: 'memory',
    capabilities: MEMORY_CAPABILITIES,
    connect: async (): Promise<Connection> => {
      const connection = await inner.connect();
      const { subscribe } = connection;
      return Object.assign(connection, {
        subscribe: (given: Parameters<Connection['subscribe']>[0]): Source => {
          const source: Source = subscribe.call(connection as never, given);
          const iterate = source[Symbol.asyncIterator].bind(source);
          return Object.assign(source, {
            async *[Symbol.asyncIterator]() {
              for await (const batch of { [Symbol.asyncIterator]: iterate }) yield batch.map(watched);
            },
          });
        },
      });
    },
  };
  class TestBus extends StatechartEventBus {
    constructor() {
      const settings = busSettings(
        { clock, logger, registry, random: runRandom(), consumerGroup: 'test', ...options },
        BROKER_DEFAULTS,
      );
      super(settings, {
        transport,
        capabilities: MEMORY_CAPABILITIES,
        destination: 'memory',
        canRelease: true,
        isStoredOnceSent: true,
      });
    }
  }
  const bus = new TestBus();
  onTestFinished(async () => {
    const stopped = bus.shutdown({ timeoutMs: 0 });
    await clock.advance(5000);
    await stopped;
  });
  return { bus, clock, logger, broker, faults, settled };
}

const tagsOf = (bus: StatechartEventBus): string[] => [...(consumerOf(bus.actor.getSnapshot())?.tags ?? [])];

async function consuming(options: BusOptions = {}) {
  const all = brokerBus(options);
  await all.bus.startConsumingInBackground();
  return all;
}

describe('the window of a consumer', () => {
  it('lets other lanes go on while it has room, and names the keys that block it when it has none', async () => {
    const { bus, clock } = memoryBus({ ordering: 'key', retry: { maxRetries: 1, baseDelayMs: 60_000 } });
    const handled: string[] = [];
    bus.subscribe(Pinged, ({ aggregateId, n }, { attempt }) => {
      if (aggregateId === 'stuck' && attempt === 1) throw new Error('x');
      handled.push(`${aggregateId} ${n}`);
    });
    await bus.waitFor('consuming');
    for (let n = 0; n < WINDOW - 1; n++) void bus.publish(ping(n, 'stuck'));
    await settle(clock);
    await bus.publish(ping(1, 'free'));
    expect(handled).toEqual(['free 1']);
    expect(tagsOf(bus)).not.toContain('lane-blocked');
    expect((await bus.healthCheck()).status).toBe('healthy');

    void bus.publish(ping(WINDOW, 'stuck'));
    void bus.publish(ping(2, 'free'));
    await settle(clock);
    expect(handled).toEqual(['free 1']);
    expect(tagsOf(bus)).toEqual(expect.arrayContaining(['degraded', 'lane-blocked']));
    expect((await bus.getInfo()).blockingKeys).toEqual(['stuck']);
    expect(await bus.healthCheck()).toMatchObject({
      status: 'degraded',
      reasons: [expect.stringContaining('stuck')],
    });

    await clock.advance(70_000);
    expect(handled).toContain('free 2');
    expect(tagsOf(bus)).not.toContain('lane-blocked');
  });
});

describe('a publish with lanes', () => {
  it('resolves once queued when its lane is held, so a handler may await one of its own aggregate', async () => {
    const { bus } = memoryBus({ ordering: 'key' });
    const seen: number[] = [];
    bus.subscribe(Pinged, async ({ n }) => {
      if (n < 3) await bus.publish(ping(n + 1));
      seen.push(n);
    });
    await bus.publish(ping(0));
    await bus.idle();
    expect(seen).toEqual([0, 1, 2, 3]);
  });
});

describe('a dead letter that cannot be stored', () => {
  it('is tried again for as long as it takes, its lane held, the bus degraded; never acked', async () => {
    const { bus, clock, faults, settled, logger } = await consuming({ maxRetries: 0 });
    const handled: string[] = [];
    bus.subscribe(Pinged, ({ n, aggregateId }) => {
      handled.push(`${aggregateId} ${n}`);
      if (n === 0) throw new Error('x');
    });
    faults.storing = 'fails';
    for (const event of [ping(0, 'a'), ping(1, 'a'), ping(1, 'b')]) void bus.publish(event);
    await clock.advance(60_000);
    expect(handled).toEqual(['a 0', 'b 1']);
    expect(settled.filter((line) => line.startsWith('dead-letter')).length).toBeGreaterThan(10);
    expect(settled.filter((line) => line.startsWith('ack'))).toHaveLength(1);
    expect(tagsOf(bus)).toEqual(expect.arrayContaining(['deadLettering', 'degraded']));
    expect(await bus.healthCheck()).toMatchObject({
      status: 'degraded',
      reasons: [expect.stringMatching(/^a dead letter cannot be stored: \S/)],
    });
    expect(logger.at('error').length).toBeGreaterThan(10);
    faults.storing = 'works';
    await clock.advance(10_000);
    await bus.idle();
    expect(handled).toEqual(['a 0', 'b 1', 'a 1']);
    expect(await bus.deadLetters.count()).toBe(1);
    expect(await bus.healthCheck()).toMatchObject({ status: 'healthy' });
  });
});

describe('a delivery lost to another consumer', () => {
  it('while it runs: its signal aborts, nothing is settled, and its lane is not overlapped', async () => {
    const { bus, clock, broker, settled } = await consuming();
    const ended = gate();
    let running = 0;
    let most = 0;
    const signals: AbortSignal[] = [];
    bus.subscribe(Pinged, async (_, { signal, deliveryCount }) => {
      signals.push(signal);
      most = Math.max(most, ++running);
      if (deliveryCount === 1) await ended.promise;
      running--;
    });
    void bus.publish(ping());
    await settle(clock);
    broker.crash();
    broker.start();
    await clock.advance(30_000);
    expect(signals[0]?.aborted).toBe(true);
    expect({ most, settled }).toEqual({ most: 1, settled: [] });
    ended.open();
    await settle(clock);
    expect(most).toBe(1);
    expect(settled).toHaveLength(1);
    expect(bus.getStats()).toMatchObject({ abandoned: 1, eventsConsumed: 2, inFlight: 0, reconnections: 1 });
  });

  it('while it waits for a retry: the retry is not run, and no timer of it is left', async () => {
    const { bus, clock, broker, settled } = await consuming({ maxRetries: 3 });
    const attempts: string[] = [];
    bus.subscribe(Pinged, (_, { attempt, deliveryCount }) => {
      attempts.push(`${deliveryCount}/${attempt}`);
      if (deliveryCount === 1) throw new Error('x');
    });
    void bus.publish(ping());
    await settle(clock);
    broker.crash();
    broker.start();
    await clock.advance(30_000);
    expect(attempts).toEqual(['1/1', '2/1']);
    expect(settled).toHaveLength(1);
    expect(bus.getStats()).toMatchObject({ abandoned: 1, retries: 0, inFlight: 0 });
  });

  it('with the next of its key: that does not begin in its place', async () => {
    const { bus, clock, broker } = await consuming({ maxRetries: 3 });
    const seen: string[] = [];
    bus.subscribe(Pinged, ({ n }, { attempt, deliveryCount }) => {
      seen.push(`${n}: ${deliveryCount}/${attempt}`);
      if (deliveryCount === 1) throw new Error('x');
    });
    void bus.publish(ping(1));
    void bus.publish(ping(2));
    await settle(clock);
    broker.crash();
    broker.start();
    await clock.advance(30_000);
    expect(seen).toEqual(['1: 1/1', '1: 2/1', '2: 2/1']);
  });

  it('while its dead letter is being stored: it is not stored again, and handled anew', async () => {
    const { bus, clock, broker, settled, faults } = await consuming({ maxRetries: 0 });
    let runs = 0;
    bus.subscribe(Pinged, () => {
      runs++;
      if (runs === 1) throw new Error('x');
    });
    faults.storing = 'fails';
    const event = ping();
    void bus.publish(event);
    await settle(clock);
    expect(settled).toEqual([`dead-letter ${event.eventId}`]);
    broker.crash();
    broker.start();
    await clock.advance(30_000);
    expect(runs).toBe(2);
    expect(settled).toEqual([`dead-letter ${event.eventId}`, `ack ${event.eventId}`]);
    expect(bus.getStats()).toMatchObject({ abandoned: 1, deadLettered: 0, inFlight: 0 });
  });
});

describe('a message with a header that somebody else wrote', () => {
  it('does not stop the consumer', async () => {
    const broker = new MemoryBroker();
    const { bus } = memoryBus({ broker, consumerGroup: 'readers' });
    const seen: number[] = [];
    bus.subscribe(Pinged, ({ n }) => seen.push(n), { name: 'reader' });
    await bus.waitFor('consuming');
    const message = { type: 'Pinged', key: 'a', attributes: {}, body: '{' };
    broker.append({ ...message, id: '1', headers: { 'x-target-handlers': '%%%' } });
    broker.append({ ...message, id: '2', headers: {} });
    await expect.poll(() => bus.deadLetters.count()).toBe(2);
    expect((await bus.deadLetters.list()).map(({ reason }) => reason).toSorted()).toEqual([
      'decode-failed',
      'no-such-handler',
    ]);
    await bus.publish(ping(5));
    await bus.idle();
    expect(seen).toEqual([5]);
  });
});

describe('stopConsuming', () => {
  it('gives back what has not started and what waits for a retry, and reports it', async () => {
    const { bus, clock, settled } = await consuming({ concurrency: 1 });
    const ended = gate();
    bus.subscribe(Pinged, async ({ n }) => {
      if (n === 1) throw new Error('x');
      await ended.promise;
    });
    for (const [n, key] of ['a', 'b', 'c'].entries()) void bus.publish(ping(n + 1, key));
    await settle(clock);
    const stopped = bus.stopConsuming();
    await settle(clock);
    ended.open();
    expect(await stopped).toEqual({ settled: 1, released: 2, aborted: 0, unpublished: 0, timedOut: false });
    expect(settled.map((line) => line.replace(/ .*/, '')).toSorted()).toEqual(['ack', 'release', 'release']);
    expect(bus.state).toBe('connected');
  });

  it.each<[string, { readonly concurrency: number; readonly isPaused: boolean }]>([
    ['of a slot', { concurrency: 1, isPaused: false }],
    ['of the end of a pause', { concurrency: 2, isPaused: true }],
  ])('gives back what is due again and waits for want %s', async (_, { concurrency, isPaused }) => {
    const { bus, clock, settled } = await consuming({ concurrency, retry: { baseDelayMs: 10, jitter: 0 } });
    const ended = gate();
    bus.subscribe(Pinged, async ({ n }) => {
      if (n === 1) throw new Error('x');
      await ended.promise;
    });
    for (const [n, key] of ['a', 'b'].entries()) void bus.publish(ping(n + 1, key));
    await settle(clock);
    if (isPaused) bus.pause();
    await clock.advance(10);
    const stopped = bus.stopConsuming();
    await settle(clock);
    ended.open();
    await settle(clock);
    expect(settled.map((line) => line.replace(/ .*/, '')).toSorted()).toEqual(['ack', 'release']);
    expect(await stopped).toMatchObject({ settled: 1, released: 1, aborted: 0, timedOut: false });
  });
});
