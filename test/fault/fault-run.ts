import { randomUUID } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { expect } from 'vitest';
import { PublishError } from '../../src/index.ts';
import type { BrokerEventBus, DomainEvent, HandlerContext } from '../../src/index.ts';
import {
  conformanceRegistry,
  Counted,
  Recorder,
  startProxy,
  type CountedEvent,
  type FaultProxy,
  type RecordedAttempt,
} from '../../src/testing/index.ts';
import { busAt, type PlacedBusOptions } from '../support/bus-places.ts';
import { startWorker, type Worker, type WorkerPlan } from '../support/worker.ts';
import { Census } from './census.ts';
import { Doubts } from './doubts.ts';
import { addFigures } from './figures.ts';
import type { FaultPlace } from './places/place.ts';
import { reckon, type FaultLedger, type OrderOf } from './reckoning.ts';
import { WorkerAttempts } from './worker-attempts.ts';

const PATIENCE_MS = 90_000;

/** One fault test on a broker of its own: who published and handled what, and what the faults may cost. */
export class FaultRun<Place extends FaultPlace = FaultPlace> {
  readonly place: Place;
  /** Stands between the buses of this process and the server. */
  readonly proxy: FaultProxy;
  readonly recorder = new Recorder();
  /** Lines at warning level and above, of the buses of this process. */
  readonly logged: string[] = [];
  readonly #buses: BrokerEventBus[] = [];
  readonly #remote = new WorkerAttempts();
  readonly #published: { id: string; key: string }[] = [];
  readonly #confirmed = new Set<string>();
  /** Sent, and not answered at this moment. */
  readonly #unanswered = new Set<string>();
  /** Published and not answered when a fault struck, or reported as unknown. */
  readonly doubts = new Doubts();
  /** Of all faults together, where the broker tells which; beside it those of which it tells the number alone. */
  readonly #atRisk = new Set<string>();
  #atRiskUnnamed = 0;
  readonly #census = new Census();
  #faults = 0;
  #isPrepared = false;
  /** From when on a publish that is answered shows that the way to the broker is whole again; undefined when it is. */
  #wholeSince: number | undefined = undefined;

  /** @param start Starts the broker, whose stream, exchange or topic is to have that name. */
  static async open<Place extends FaultPlace>(
    start: (destination: string) => Promise<Place>,
  ): Promise<FaultRun<Place>> {
    const place = await start(`fault-${randomUUID()}`);
    return new FaultRun(place, await startProxy({ host: '127.0.0.1', port: place.server.port }));
  }

  constructor(place: Place, proxy: FaultProxy) {
    this.place = place;
    this.proxy = proxy;
  }

  /** @param way By which it reaches the server: the proxy, unless told otherwise. */
  async bus(
    options: Partial<PlacedBusOptions> = {},
    way: { readonly host: string; readonly port: number } = this.proxy,
  ): Promise<BrokerEventBus> {
    const log = (_fields: object, message: string) => void this.logged.push(message);
    const proxied = this.place.through(way);
    const makeBus = this.place.makeBus ?? ((given) => busAt(proxied.at, given));
    const bus = await makeBus({
      ...proxied.options,
      registry: conformanceRegistry,
      logger: { debug: () => undefined, info: () => undefined, warn: log, error: log },
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
    options: Partial<PlacedBusOptions> = {},
  ): Promise<BrokerEventBus> {
    const bus = await this.bus({ consumerGroup: this.place.group, consumerName: name, ...options });
    const at = { consumer: name, destination: this.place.at.destination };
    bus.subscribe(Counted, this.recorder.handler(at, handle), { name: 'recorder' });
    if (this.place.at.broker === 'memory') await bus.waitFor('consuming');
    else await bus.startConsumingInBackground();
    this.#census.add(bus);
    return bus;
  }

  /** A process of two consumers. It reaches the server without the proxy. */
  async worker(name: string, plan: Partial<WorkerPlan> = {}): Promise<Worker> {
    const { at, group } = this.place;
    const worker = await startWorker(
      { place: at, consumerGroup: group, consumerName: name, buses: 2, ...plan },
      this.#remote.listener(name),
    );
    this.#census.addWorker(worker, plan.buses ?? 2);
    return worker;
  }

  get attempts(): readonly RecordedAttempt[] {
    return [...this.recorder.attempts, ...this.#remote.attempts];
  }

  get handled(): ReadonlySet<string> {
    return new Set(this.attempts.filter(({ outcome }) => outcome === 'succeeded').map(({ id }) => id));
  }

  /** Ids of what was handled more than once, once for each time too many. */
  get repeated(): readonly string[] {
    const seen = new Set<string>();
    const handled = this.attempts.filter(({ outcome }) => outcome === 'succeeded').map(({ id }) => id);
    return handled.filter((id) => seen.size === seen.add(id).size);
  }

  get confirmed(): ReadonlySet<string> {
    return this.#confirmed;
  }

  /** Resolves when it is settled; a PublishError is what it returns. */
  async publish(bus: BrokerEventBus, events: readonly DomainEvent[]): Promise<PublishError | undefined> {
    if (!this.#isPrepared) await this.place.prepare();
    this.#isPrepared = true;
    for (const { eventId, aggregateId } of events) {
      this.#published.push({ id: eventId, key: aggregateId });
      this.#unanswered.add(eventId);
      if (this.#wholeSince !== undefined) this.doubts.add(eventId);
    }
    const begunAt = performance.now();
    let failure: PublishError | undefined;
    try {
      await bus.publish(events);
      if (this.#wholeSince !== undefined && begunAt > this.#wholeSince) this.#wholeSince = undefined;
    } catch (error) {
      if (!(error instanceof PublishError)) throw error;
      failure = error;
    }
    const unconfirmed = new Set(failure?.unconfirmed);
    this.doubts.addNew(failure?.unknown ?? []);
    for (const { eventId } of events) {
      this.#unanswered.delete(eventId);
      if (!unconfirmed.has(eventId)) this.#confirmed.add(eventId);
    }
    return failure;
  }

  /** Lists of 100, so many on their way at once. */
  async publishAll(bus: BrokerEventBus, events: readonly DomainEvent[], atOnce = 3): Promise<void> {
    const lists = Array.from({ length: Math.ceil(events.length / 100) }, (_, i) =>
      events.slice(i * 100, (i + 1) * 100),
    );
    if (!this.#isPrepared) await this.publish(bus, []);
    const publishers = Array.from({ length: atOnce }, async () => {
      for (let list = lists.shift(); list !== undefined; list = lists.shift())
        expect(await this.publish(bus, list)).toBeUndefined();
    });
    await Promise.all(publishers);
  }

  /** Does it, and notes what it may cost: what was published and not answered, and what was handed out. */
  async fault(act: () => Promise<unknown> | void): Promise<void> {
    const over = await this.faultBegins();
    await act();
    await over();
  }

  /** To be called before a fault; what it resolves with, after it, with how many faults it was. */
  async faultBegins(): Promise<(faults?: number) => Promise<void>> {
    this.#wholeSince = Infinity;
    for (const id of this.#unanswered) this.doubts.add(id);
    const consumersMeanwhile = this.#census.begin();
    const atRiskAfter = await this.place.beforeFault();
    return async (faults = 1) => {
      this.#faults += faults;
      this.#wholeSince = performance.now();
      const begun = new Set(this.attempts.map(({ id }) => id));
      const atRisk = await atRiskAfter({ begun, consumers: consumersMeanwhile() });
      if (typeof atRisk === 'number') this.#atRiskUnnamed += atRisk * faults;
      else for (const id of atRisk) this.#atRisk.add(id);
    };
  }

  /** May be handed out again, for a reason of its own. */
  noteAtRisk(ids: Iterable<string>): void {
    for (const id of ids) this.#atRisk.add(id);
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

  /**
   * Everything confirmed is handled or a dead letter, nothing is open, and no more was repeated than the faults explain.
   * @param options.handsOver That consumers stopped and released what others of the group had then, which keeps its
   *   order where an order is the group's.
   */
  async settle(name: string, options: { readonly handsOver?: boolean } = {}): Promise<void> {
    await this.until(async () => (await this.place.unsettled()) === 0, 'everything to be settled');
    const { figures, breaches, redelivered, storedTwice } = reckon(await this.ledger(), this.#order(options));
    const { inFlight } = this;
    addFigures({
      broker: this.place.at.broker,
      fault: name,
      faults: this.#faults,
      ...figures,
      inFlight,
      inDoubt: this.doubts.total,
    });
    expect(breaches).toEqual([]);
    expect(redelivered.length, 'handled twice by redelivery').toBeLessThanOrEqual(inFlight);
    if (this.#atRiskUnnamed === 0) expect(redelivered.filter((id) => !this.#atRisk.has(id))).toEqual([]);
    expect(this.doubts.unexplained(storedTwice), 'stored more often than they were in doubt').toEqual([]);
  }

  /** What workers said at warning level or above. */
  get warned(): readonly string[] {
    return this.#remote.warned;
  }

  /** All that is known by now. */
  async ledger(): Promise<FaultLedger> {
    return {
      published: this.#published,
      confirmed: this.#confirmed,
      here: this.recorder.attempts,
      elsewhere: this.#remote.attempts,
      deadLettered: await this.place.deadLettered(),
      stored: await this.place.stored(),
    };
  }

  /** Handed out and not settled when faults struck, at most. */
  get inFlight(): number {
    return this.#atRisk.size + this.#atRiskUnnamed;
  }

  /** @param clear Is called once nobody uses the broker any more. */
  async close(clear: () => Promise<void> = () => Promise.resolve()): Promise<void> {
    if (this.place.server.pid === undefined) await this.place.server.start();
    this.proxy.heal();
    await Promise.all(this.#census.workers.map((worker) => worker.stop()));
    await Promise.all(this.#buses.map((bus) => bus.shutdown({ timeoutMs: 2_000 })));
    await this.proxy.close();
    await clear();
    await this.place.close();
  }

  #order({ handsOver = false }: { readonly handsOver?: boolean }): OrderOf {
    if (this.place.at.broker === 'kafka') return 'group';
    return handsOver ? 'nobody' : 'consumer';
  }
}
