import type {
  Attributes,
  BatchObservableResult,
  Meter,
  Observable,
  ObservableGauge,
  ObservableUpDownCounter,
} from '@opentelemetry/api';

/** Boundaries of the messaging conventions, in seconds. */
const SECONDS = [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10];

/** What one bus has at the moment. */
export interface Gauges {
  /** Deliveries begun and not settled. */
  readonly inFlight: number;
  /** Seconds since the oldest unsettled event here occurred; undefined when there is none. */
  readonly oldestPendingAge: number | undefined;
  /** Living actors by machine and state. */
  readonly actors: readonly { readonly machine: string; readonly state: string; readonly count: number }[];
}

/** What the broker knows of its destination and group; undefined what it can't tell. */
export interface BrokerGauges {
  readonly lag: number | undefined;
  readonly pending: number;
  /** Only what this bus holds is pending by it, not what all of its group hold. */
  readonly isPendingOwn: boolean;
  readonly deadLetters: number;
}

/** A bus whose gauges are read when they are collected. */
export interface Gauged {
  readonly attributes: Attributes;
  /** Adds to the counters what has been counted elsewhere since. */
  flush(): void;
  here(): Gauges;
  /** Asks the broker; undefined while there is nobody to ask. */
  atBroker(): Promise<BrokerGauges | undefined>;
}

/** The instruments of one meter, and the living buses whose gauges they show: buses alike are one series, and add up. */
export class Instruments {
  readonly operationDuration;
  readonly processDuration;
  readonly sent;
  readonly consumed;
  readonly retries;
  readonly deadLetters;
  readonly dropped;
  readonly laneWait;
  readonly reconnections;
  readonly connectionLosses;
  readonly connectionFailures;
  readonly rebalances;
  readonly commits;
  readonly leaseRenewals;
  readonly stalls;
  readonly notices;
  readonly #inFlight: ObservableUpDownCounter;
  readonly #oldest: ObservableGauge;
  readonly #actors: ObservableGauge;
  readonly #lag: ObservableGauge;
  readonly #pending: ObservableGauge;
  readonly #stored: ObservableGauge;
  readonly #buses = new Set<Gauged>();

  constructor(meter: Meter) {
    const seconds = (name: string, description: string) =>
      meter.createHistogram(name, {
        description,
        unit: 's',
        advice: { explicitBucketBoundaries: SECONDS },
      });
    const counter = (name: string, unit: string, description: string) =>
      meter.createCounter(name, { description, unit });
    const gauge = (name: string, unit: string, description: string) =>
      meter.createObservableGauge(name, { description, unit });
    this.operationDuration = seconds('messaging.client.operation.duration', 'Duration of a call of publish.');
    this.processDuration = seconds('messaging.process.duration', 'Duration of one attempt of a handler.');
    this.sent = counter('messaging.client.sent.messages', '{message}', 'Events published.');
    this.consumed = counter('messaging.client.consumed.messages', '{message}', 'Events given to handlers.');
    this.retries = counter('buschart.retries', '{attempt}', 'Further attempts scheduled.');
    this.deadLetters = counter('buschart.dead_letters', '{message}', 'Deliveries stored as dead letters.');
    this.dropped = counter(
      'buschart.dropped',
      '{message}',
      'Given up on without a dead letter, or with one that is gone.',
    );
    this.laneWait = seconds('buschart.lane.wait', 'Time from pulling a delivery to its first attempt.');
    this.reconnections = counter('buschart.reconnections', '{reconnection}', 'Connections opened again.');
    this.connectionLosses = counter('buschart.connection.losses', '{loss}', 'Connections lost.');
    this.connectionFailures = counter(
      'buschart.connection.failures',
      '{attempt}',
      'Attempts to connect that failed.',
    );
    this.rebalances = counter('buschart.rebalances', '{rebalance}', 'Times partitions were dealt out anew.');
    this.commits = counter('buschart.commits', '{commit}', 'Commits of offsets that were stored.');
    this.leaseRenewals = counter(
      'buschart.lease_renewals',
      '{message}',
      'Deliveries whose lease was renewed.',
    );
    this.stalls = counter('buschart.stalls', '{restart}', 'Restarts of a consumer that got nothing.');
    this.notices = counter('buschart.notices', '{occurrence}', 'What else the broker told of.');
    this.#inFlight = meter.createObservableUpDownCounter('buschart.in_flight', {
      description: 'Deliveries begun and not settled.',
      unit: '{message}',
    });
    this.#oldest = gauge('buschart.consumer.oldest_pending.age', 's', 'Age of the oldest unsettled event.');
    this.#actors = gauge('buschart.actors', '{actor}', 'Living actors by machine and state.');
    this.#lag = gauge('buschart.consumer.lag', '{message}', 'Messages not handed to the group yet.');
    this.#pending = gauge('buschart.consumer.pending', '{message}', 'Messages handed out, not settled.');
    this.#stored = gauge('buschart.dead_letters.stored', '{message}', 'Dead letters the group has.');
    // Apart, so that a broker that doesn't answer takes nothing else with it.
    meter.addBatchObservableCallback(
      (result) => this.#observeHere(result),
      [this.#inFlight, this.#oldest, this.#actors],
    );
    meter.addBatchObservableCallback(
      (result) => this.#observeBrokers(result),
      [this.#lag, this.#pending, this.#stored],
    );
  }

  add(bus: Gauged): void {
    this.#buses.add(bus);
  }

  remove(bus: Gauged): void {
    this.#buses.delete(bus);
  }

  #observeHere(result: BatchObservableResult): void {
    const inFlight = new Series((one, other) => one + other);
    const oldest = new Series(Math.max);
    const actors = new Series((one, other) => one + other);
    for (const bus of this.#buses) {
      bus.flush();
      const now = bus.here();
      inFlight.add(bus.attributes, now.inFlight);
      oldest.add(bus.attributes, now.oldestPendingAge);
      for (const { machine, state, count } of now.actors)
        actors.add({ ...bus.attributes, 'buschart.machine': machine, 'buschart.state': state }, count);
    }
    inFlight.observe(result, this.#inFlight);
    oldest.observe(result, this.#oldest);
    actors.observe(result, this.#actors);
  }

  async #observeBrokers(result: BatchObservableResult): Promise<void> {
    // Buses of one group are told the same, but for what each alone holds.
    const lag = new Series(Math.max);
    const pending = new Series(Math.max);
    const ownPending = new Series((one, other) => one + other);
    const stored = new Series(Math.max);
    const asked = [...this.#buses].map(async (bus) => {
      const known = await bus.atBroker().catch(() => undefined);
      if (known === undefined) return;
      lag.add(bus.attributes, known.lag);
      (known.isPendingOwn ? ownPending : pending).add(bus.attributes, known.pending);
      stored.add(bus.attributes, known.deadLetters);
    });
    await Promise.all(asked);
    lag.observe(result, this.#lag);
    pending.observe(result, this.#pending);
    ownPending.observe(result, this.#pending);
    stored.observe(result, this.#stored);
  }
}

/** Values by their attributes; those with the same ones become one. */
class Series {
  readonly #merge: (one: number, other: number) => number;
  readonly #values = new Map<string, { readonly attributes: Attributes; value: number }>();

  constructor(merge: (one: number, other: number) => number) {
    this.#merge = merge;
  }

  add(attributes: Attributes, value: number | undefined): void {
    if (value === undefined) return;
    const key = JSON.stringify(attributes);
    const known = this.#values.get(key);
    if (known === undefined) this.#values.set(key, { attributes, value });
    else known.value = this.#merge(known.value, value);
  }

  observe(result: BatchObservableResult, instrument: Observable): void {
    for (const { attributes, value } of this.#values.values()) result.observe(instrument, value, attributes);
  }
}

const byMeter = new WeakMap<Meter, Instruments>();

/** Those of a meter, made once. */
export function instrumentsOf(meter: Meter): Instruments {
  let instruments = byMeter.get(meter);
  if (instruments === undefined) byMeter.set(meter, (instruments = new Instruments(meter)));
  return instruments;
}
