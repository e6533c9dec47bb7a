import { expect, vi } from 'vitest';
import type { BrokerEventBus, PublishOptions } from '../bus/api.ts';
import type { BusOptions } from '../bus/options.ts';
import type { DomainEvent } from '../contracts/event.ts';
import type { HandlerContext } from '../contracts/handler.ts';
import { conformanceRegistry, Counted, type CountedEvent } from './counted.ts';
import type { Destination, TransportHarness } from './harness.ts';
import { breaches, type Allowance } from './invariants.ts';
import { activeResources, leftovers, type Resources } from './leftovers.ts';
import { seededRandom } from './random.ts';
import { Recorder } from './recorder.ts';
import { silent } from './silent-logger.ts';
import { TestTime } from './test-time.ts';

export interface ConsumerPlan {
  readonly destination?: Destination;
  readonly group?: string;
  /** In what the recorder writes (`consumer-1` and so on). */
  readonly name?: string;
  readonly options?: BusOptions;
  /** Of the one subscription, to {@link Counted}; null makes none. */
  readonly handle?: ((event: CountedEvent, context: HandlerContext) => unknown) | null;
  readonly timeoutMs?: number;
}

/** What a scenario does on purpose, beside handling everything once. */
export interface Expectations {
  readonly maxAttempts?: number;
  readonly redeliveries?: number;
  readonly isOrdered?: boolean;
  /** Confirmed events that end neither handled nor as dead letters, because the test's policy says so (0). */
  readonly givenUp?: number;
  /** By group; 0 for those not named. */
  readonly deadLetters?: Readonly<Record<string, number>>;
}

/** One test: its destination, its buses and what happened to its events. */
export class Stage extends TestTime {
  readonly harness: TransportHarness;
  readonly destination: Destination;
  readonly recorder = new Recorder();
  readonly random: () => number;
  readonly #before: Resources = activeResources();
  readonly #destinations: Destination[] = [];
  readonly #groups = new Map<string, { readonly destination: Destination; readonly group: string }>();
  readonly #buses: BrokerEventBus[] = [];
  readonly #published = new Map<string, { id: string; key: string }[]>();
  readonly #confirmed = new Map<string, Set<string>>();
  /** The buses have a silent logger, so whatever reaches the console was meant for nobody. */
  readonly #console = [vi.spyOn(console, 'warn'), vi.spyOn(console, 'error')];
  #consumers = 0;

  constructor(harness: TransportHarness, testId: string, seed: number) {
    super(harness.clock);
    this.harness = harness;
    this.random = seededRandom(seed);
    this.destination = this.newDestination(testId);
  }

  newDestination(testId: string): Destination {
    const destination = this.harness.destination(testId);
    this.#destinations.push(destination);
    return destination;
  }

  /** A bus that the stage shuts down at the end. */
  bus(options: BusOptions = {}, destination: Destination = this.destination): BrokerEventBus {
    const bus = this.harness.makeBus(destination, {
      registry: conformanceRegistry,
      random: this.random,
      logger: silent,
      ...(this.harness.clock === undefined ? {} : { clock: this.harness.clock }),
      ordering: 'key',
      ...options,
      retry: { maxRetries: 3, baseDelayMs: 5, maxDelayMs: 20, ...options.retry },
    });
    this.#buses.push(bus);
    return bus;
  }

  /** A bus with one subscription, that consumes when this resolves. */
  async consumer(plan: ConsumerPlan = {}): Promise<BrokerEventBus & { readonly label: string }> {
    const { destination = this.destination, group = destination.group, handle, timeoutMs } = plan;
    const label = plan.name ?? `consumer-${++this.#consumers}`;
    const bus = this.bus({ consumerGroup: group, ...plan.options }, destination);
    this.expectGroup(destination, group);
    if (handle !== null)
      bus.subscribe(
        Counted,
        this.recorder.handler({ consumer: label, destination: destination.name }, handle),
        {
          name: 'recorder',
          ...(timeoutMs === undefined ? {} : { timeoutMs }),
        },
      );
    await this.consume(bus);
    return Object.assign(bus, { label });
  }

  /** Makes the group, where one that comes after an event would never get it. */
  async foundGroup(options: BusOptions = {}): Promise<void> {
    if (this.harness.abilities.replayFromStart) return;
    const founder = await this.consumer({ name: 'founder', options });
    await this.settles(founder.shutdown(), 'the founder to stop');
  }

  /** Has the end of the test look at that group too. */
  expectGroup(destination: Destination, group: string): void {
    this.#groups.set(`${destination.name} ${group}`, { destination, group });
    if (!this.#published.has(destination.name)) this.#published.set(destination.name, []);
  }

  async consume(bus: BrokerEventBus): Promise<void> {
    if (this.harness.abilities.consumesByItself && bus.state !== 'connected')
      await this.settles(bus.waitFor('consuming'), 'the bus to consume');
    else await this.settles(bus.startConsumingInBackground(), 'the bus to consume');
  }

  /** Publishes, and remembers what was asked for and what was confirmed. */
  async publish(
    bus: BrokerEventBus,
    events: DomainEvent | readonly DomainEvent[],
    options: PublishOptions & { readonly destination?: Destination } = {},
  ): Promise<void> {
    const { destination = this.destination, ...rest } = options;
    const list = Array.isArray(events) ? (events as readonly DomainEvent[]) : [events as DomainEvent];
    this.expectPublished(list, destination);
    await this.settles(bus.publish(list, rest), 'the publish to settle');
    const confirmed = this.#confirmed.get(destination.name) ?? new Set();
    this.#confirmed.set(destination.name, confirmed);
    for (const { eventId } of list) confirmed.add(eventId);
  }

  /** Notes events that some handler is going to publish, or that are put there raw. */
  expectPublished(events: readonly DomainEvent[], destination: Destination = this.destination): void {
    const published = this.#published.get(destination.name) ?? [];
    this.#published.set(destination.name, published);
    for (const { eventId, aggregateId } of events) published.push({ id: eventId, key: aggregateId });
  }

  /** Until a group has handled so many different events. */
  handled(
    count: number,
    wanted: { readonly group?: string; readonly consumer?: string } = {},
  ): Promise<void> {
    return this.until(
      () => this.recorder.handled(wanted).size >= count,
      `${count} events to be handled, of ${this.recorder.handled(wanted).size}`,
    );
  }

  /** Holds everything that happened against the invariants, once the broker has nothing left to hand out. */
  async verify(expected: Expectations = {}): Promise<void> {
    const { probe } = this.harness;
    const allowance: Allowance = {
      maxAttempts: expected.maxAttempts ?? 1,
      redeliveries: expected.redeliveries ?? 0,
      isOrdered: expected.isOrdered ?? true,
      givenUp: expected.givenUp ?? 0,
    };
    for (const { destination, group } of this.#groups.values()) {
      const deadLetters = expected.deadLetters?.[group] ?? 0;
      const of = { destination: destination.name, group };
      const confirmed = this.#confirmed.get(destination.name) ?? new Set<string>();
      await this.until(
        async () =>
          (await probe.pending(destination, group)) === 0 &&
          (await probe.dlqDepth(destination, group)) >= deadLetters &&
          this.recorder.running === 0,
        `everything of ${group} to be settled`,
      ).catch(() => undefined);
      const letters = await this.deadLettersOf(destination, group);
      const problems = breaches(
        {
          published: this.#published.get(destination.name) ?? [],
          confirmed,
          attempts: this.recorder.where(of),
          deadLettered: new Set(letters),
        },
        allowance,
      );
      expect(problems, `the invariants, for ${group}`).toEqual([]);
      expect(
        {
          pending: await probe.pending(destination, group),
          deadLetters: await probe.dlqDepth(destination, group),
          running: this.recorder.running,
        },
        `what is left of ${group}`,
      ).toEqual({ pending: 0, deadLetters, running: 0 });
    }
  }

  async deadLettersOf(destination: Destination, group: string): Promise<string[]> {
    const bus = this.bus({}, destination);
    const letters = await this.settles(bus.deadLetters.list({ group, limit: 20_000 }), 'the dead letters');
    await this.settles(bus.shutdown(), 'the bus to stop');
    return letters.map(({ eventId }) => eventId);
  }

  /** Shuts every bus down, and looks for what outlived them. */
  async close(): Promise<void> {
    try {
      for (const bus of this.#buses)
        await this.settles(bus.shutdown({ timeoutMs: 2_000 }), 'the bus to stop');
      const living = this.#buses.filter(({ actor }) => actor.getSnapshot().status === 'active');
      expect(
        living.map(({ state }) => state),
        'buses that did not stop',
      ).toEqual([]);
    } finally {
      for (const destination of this.#destinations) await this.harness.cleanUp(destination);
    }
    expect(this.harness.clock?.pending ?? 0, 'timers left on the clock').toBe(0);
    expect(await leftovers(this.#before), 'sockets and timers left').toEqual([]);
    const lines = this.#console.flatMap(({ mock }) => mock.calls.map(([text]) => String(text)));
    for (const spy of this.#console) spy.mockRestore();
    expect(lines, 'lines on the console').toEqual([]);
  }
}
