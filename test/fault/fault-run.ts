import { randomUUID } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { expect, inject } from 'vitest';
import { PublishError } from '../../src/index.ts';
import type { DomainEvent, HandlerContext } from '../../src/index.ts';
import {
  breaches,
  conformanceRegistry,
  Counted,
  disordered,
  overlapping,
  Recorder,
  startProxy,
  type CountedEvent,
  type FaultProxy,
  type RecordedAttempt,
} from '../../src/testing/index.ts';
import { RedisEventBus, type RedisEventBusOptions } from '../../src/transports/redis/index.ts';
import { startRedisServer, type RedisServer } from '../../brokers/redis-server.ts';
import { startWorker, type Worker, type WorkerPlan } from '../support/worker.ts';
import { addFigures } from './figures.ts';
import { StreamView } from './stream-view.ts';
import { WorkerAttempts } from './worker-attempts.ts';

export const redisBinary = inject('redisServer');

const GROUP = 'workers';
const PATIENCE_MS = 60_000;

/** One fault test on a Redis of its own: who published and handled what, and what the faults may cost. */
export class FaultRun {
  readonly server: RedisServer;
  /** Stands between the buses of this process and the server. */
  readonly proxy: FaultProxy;
  readonly prefix = `fault-${randomUUID()}`;
  readonly view: StreamView;
  readonly recorder = new Recorder();
  /** Lines at warning level and above, of the buses of this process. */
  readonly logged: string[] = [];
  readonly #direct: Redis;
  readonly #buses: RedisEventBus[] = [];
  readonly #workers: Worker[] = [];
  readonly #remote = new WorkerAttempts();
  readonly #published: { id: string; key: string }[] = [];
  readonly #confirmed = new Set<string>();
  /** Sent, and not answered at this moment. */
  readonly #unanswered = new Set<string>();
  readonly #inDoubt = new Set<string>();
  /** Of all faults together. */
  readonly #inFlight = new Set<string>();
  #faults = 0;

  static async open(): Promise<FaultRun> {
    const server = await startRedisServer(redisBinary ?? 'redis-server', { persistence: 'always' });
    return new FaultRun(server, await startProxy({ host: '127.0.0.1', port: server.port }));
  }

  constructor(server: RedisServer, proxy: FaultProxy) {
    this.server = server;
    this.proxy = proxy;
    this.#direct = new Redis(server.url, { maxRetriesPerRequest: null, retryStrategy: () => 50 });
    this.#direct.on('error', () => undefined);
    this.view = new StreamView(this.#direct, this.prefix, GROUP);
  }

  /** A client that outlives restarts of the server. */
  get redis(): Redis {
    return this.#direct;
  }

  bus(options: RedisEventBusOptions = {}): RedisEventBus {
    const log = (_fields: object, message: string) => void this.logged.push(message);
    const bus = new RedisEventBus({
      redisUrl: `redis://127.0.0.1:${this.proxy.port}`,
      streamPrefix: this.prefix,
      registry: conformanceRegistry,
      logger: { debug: () => undefined, info: () => undefined, warn: log, error: log },
      blockMs: 500,
      pendingIdleMs: 2_000,
      ...options,
      retry: { maxRetries: 3, baseDelayMs: 5, maxDelayMs: 20, ...options.retry },
    });
    this.#buses.push(bus);
    return bus;
  }

  /** A bus of this process that handles what the group gets. */
  async consumer(
    name: string,
    handle?: (event: CountedEvent, context: HandlerContext) => unknown,
    options: RedisEventBusOptions = {},
  ): Promise<RedisEventBus> {
    const bus = this.bus({ consumerGroup: GROUP, consumerName: name, ...options });
    const at = { consumer: name, destination: this.prefix };
    bus.subscribe(Counted, this.recorder.handler(at, handle), { name: 'recorder' });
    await bus.startConsumingInBackground();
    return bus;
  }

  /** A process of two consumers. It reaches the server without the proxy. */
  async worker(name: string, plan: Partial<WorkerPlan> = {}): Promise<Worker> {
    const worker = await startWorker(
      {
        place: { broker: 'redis', url: this.server.url, destination: this.prefix },
        consumerGroup: GROUP,
        consumerName: name,
        buses: 2,
        ...plan,
      },
      this.#remote.listener(name),
    );
    this.#workers.push(worker);
    return worker;
  }

  get attempts(): readonly RecordedAttempt[] {
    return [...this.recorder.attempts, ...this.#remote.attempts];
  }

  get handled(): ReadonlySet<string> {
    return new Set(this.attempts.filter(({ outcome }) => outcome === 'succeeded').map(({ id }) => id));
  }

  get confirmed(): ReadonlySet<string> {
    return this.#confirmed;
  }

  /** Resolves when it is settled; a PublishError is what it returns. */
  async publish(bus: RedisEventBus, events: readonly DomainEvent[]): Promise<PublishError | undefined> {
    for (const { eventId, aggregateId } of events) {
      this.#published.push({ id: eventId, key: aggregateId });
      this.#unanswered.add(eventId);
    }
    let failure: PublishError | undefined;
    try {
      await bus.publish(events);
    } catch (error) {
      if (!(error instanceof PublishError)) throw error;
      failure = error;
    }
    const unconfirmed = new Set(failure?.unconfirmed);
    for (const id of failure?.unknown ?? []) this.#inDoubt.add(id);
    for (const { eventId } of events) {
      this.#unanswered.delete(eventId);
      if (!unconfirmed.has(eventId)) this.#confirmed.add(eventId);
    }
    return failure;
  }

  /** Lists of 100, so many on their way at once. */
  async publishAll(bus: RedisEventBus, events: readonly DomainEvent[], atOnce = 3): Promise<void> {
    const lists = Array.from({ length: Math.ceil(events.length / 100) }, (_, i) =>
      events.slice(i * 100, (i + 1) * 100),
    );
    const publishers = Array.from({ length: atOnce }, async () => {
      for (let list = lists.shift(); list !== undefined; list = lists.shift())
        expect(await this.publish(bus, list)).toBeUndefined();
    });
    await Promise.all(publishers);
  }

  /** Does it, and notes what it may cost: what was published and not answered, and what was handed out. */
  async fault(act: () => Promise<unknown> | void): Promise<void> {
    this.#faults++;
    const noteUnanswered = () => this.#unanswered.forEach((id) => this.#inDoubt.add(id));
    noteUnanswered();
    await act();
    // What was sent while the fault lasted may have arrived, too.
    noteUnanswered();
    for (const id of await this.view.pendingEvents()) this.#inFlight.add(id);
  }

  async until(holds: () => boolean | Promise<boolean>, what: string): Promise<void> {
    const givenUpAt = performance.now() + PATIENCE_MS;
    while (!(await holds())) {
      if (performance.now() > givenUpAt)
        throw new Error(
          `Waited in vain for ${what}; handled ${this.handled.size} of ${this.#confirmed.size} confirmed.`,
        );
      await pause(25);
    }
  }

  /** Everything confirmed is handled or a dead letter, nothing is open, and no more was repeated than the faults explain. */
  async settle(name: string): Promise<void> {
    await this.until(async () => {
      const [handled, dead] = [this.handled, await this.view.deadLettered()];
      return (
        [...this.#confirmed].every((id) => handled.has(id) || dead.has(id)) &&
        (await this.view.pending()) === 0
      );
    }, 'everything to be settled');
    const { attempts, handled } = this;
    const deadLettered = await this.view.deadLettered();
    const storedTwice = new Set(repeated(await this.view.storedEvents()));
    const succeeded = attempts.filter(({ outcome }) => outcome === 'succeeded').map(({ id }) => id);
    const duplicates = repeated(succeeded);
    const redelivered = duplicates.filter((id) => !storedTwice.has(id));
    addFigures({
      fault: name,
      faults: this.#faults,
      published: new Set(this.#published.map(({ id }) => id)).size,
      confirmed: this.#confirmed.size,
      handled: handled.size,
      deadLettered: deadLettered.size,
      lost: [...this.#confirmed].filter((id) => !handled.has(id) && !deadLettered.has(id)).length,
      redelivered: redelivered.length,
      inFlight: this.#inFlight.size,
      storedTwice: duplicates.length - redelivered.length,
      inDoubt: this.#inDoubt.size,
    });
    const ledger = { published: this.#published, confirmed: this.#confirmed, attempts, deadLettered };
    const allowance = { maxAttempts: 4, redeliveries: Infinity, isOrdered: false, givenUp: 0 };
    expect(breaches(ledger, allowance)).toEqual([]);
    expect(overlapping(attempts)).toEqual([]);
    // What came from another consumer, or was stored twice, has no place in one consumer's order.
    const firstHand = attempts.filter(({ id, deliveryCount }) => deliveryCount === 1 && !storedTwice.has(id));
    expect(disordered({ published: this.#published, attempts: firstHand })).toEqual([]);
    expect(redelivered.length, 'handled twice by redelivery').toBeLessThanOrEqual(this.#inFlight.size);
    expect(redelivered.filter((id) => !this.#inFlight.has(id))).toEqual([]);
    expect([...storedTwice].filter((id) => !this.#inDoubt.has(id))).toEqual([]);
  }

  async close(): Promise<void> {
    if (this.server.pid === undefined) await this.server.start();
    this.proxy.heal();
    await Promise.all(this.#workers.map((worker) => worker.stop()));
    await Promise.all(this.#buses.map((bus) => bus.shutdown({ timeoutMs: 2_000 })));
    this.#direct.disconnect();
    await this.proxy.close();
    await this.server.stop();
  }
}

/** Every occurrence but the first. */
function repeated(ids: readonly string[]): string[] {
  const seen = new Set<string>();
  return ids.filter((id) => seen.size === seen.add(id).size);
}
