import type { Attributes, Counter } from '@opentelemetry/api';
import type { Stats } from '../../contracts/telemetry.ts';
import { BoundedAttributes } from './bounded-attributes.ts';
import type { BrokerGauges, Gauged, Gauges, Instruments } from './instruments.ts';
import type { Failure, Measures, Thrown } from './measures.ts';
import { errorType, scopeAttributes, type Scope } from './scope.ts';

/** Where the numbers of a bus that are read and not counted come from. */
export interface Readings {
  readonly stats: Stats;
  readonly here: () => Gauges;
  readonly atBroker: () => Promise<BrokerGauges | undefined>;
}

const HANDLER = 'eventsource.handler.name';
const TYPE = 'eventsource.event.type';
const OTHER = 'other';

interface Told {
  readonly published: number;
  readonly consumed: number;
  readonly reconnections: number;
}

const counted = ({ eventsPublished, eventsConsumed, reconnections }: Stats): Told => ({
  published: eventsPublished,
  consumed: eventsConsumed,
  reconnections,
});

/** One bus by the messaging conventions, and what they have no name for under `buschart.`. */
export class BusMetrics implements Measures, Gauged {
  readonly attributes: Attributes;
  readonly #instruments: Instruments;
  readonly #scope: Scope;
  readonly #readings: Readings;
  readonly #publishes: BoundedAttributes;
  readonly #consumed: Attributes;
  readonly #attempts: BoundedAttributes;
  readonly #retries: BoundedAttributes;
  readonly #deadLetters: BoundedAttributes;
  readonly #connectionErrors: BoundedAttributes;
  readonly #notices: BoundedAttributes;
  /** What this meter was told of; what was before it, it was not there for, or another one was told. */
  #told: Told;

  constructor(instruments: Instruments, scope: Scope, readings: Readings) {
    this.#instruments = instruments;
    this.#scope = scope;
    this.#readings = readings;
    this.#told = counted(readings.stats);
    const all = scopeAttributes(scope);
    this.attributes = all;
    this.#publishes = new BoundedAttributes(
      {
        ...scopeAttributes({ ...scope, group: undefined }),
        'messaging.operation.name': 'publish',
        'messaging.operation.type': 'send',
      },
      ['error.type'],
    );
    const processed = { ...all, 'messaging.operation.type': 'process' };
    this.#consumed = { ...processed, 'messaging.operation.name': 'dispatch' };
    this.#attempts = new BoundedAttributes({ ...processed, 'messaging.operation.name': 'handle' }, [
      TYPE,
      HANDLER,
      'error.type',
    ]);
    this.#retries = new BoundedAttributes(all, [TYPE, HANDLER, 'error.type']);
    this.#deadLetters = new BoundedAttributes(all, [TYPE, 'buschart.dead_letter.reason', 'error.type']);
    this.#connectionErrors = new BoundedAttributes(all, ['error.type']);
    this.#notices = new BoundedAttributes(all, ['buschart.notice.kind']);
    instruments.add(this);
  }

  published(types: readonly string[], stored: number, tookMs: number, failure: Thrown | undefined): void {
    const attributes = this.#publishes.of(failure && errorType(failure.error));
    this.#instruments.operationDuration.record(tookMs / 1000, attributes);
    // Those that are stored are counted when that is known, however long their caller waited.
    if (failure !== undefined) this.#instruments.sent.add(types.length - stored, attributes);
  }

  started(_type: string, _partition: string | undefined, waitedMs: number | undefined): void {
    if (waitedMs !== undefined) this.#instruments.laneWait.record(waitedMs / 1000, this.attributes);
  }

  attempted(type: string, handler: string, tookMs: number, failure: Thrown | undefined): void {
    const attributes = this.#attempts.of(this.#bounded(type), handler, failure && errorType(failure.error));
    this.#instruments.processDuration.record(tookMs / 1000, attributes);
  }

  retried(type: string, handler: string, error: unknown): void {
    this.#instruments.retries.add(1, this.#retries.of(this.#bounded(type), handler, errorType(error)));
  }

  dropped(type: string, error: unknown): void {
    this.#instruments.dropped.add(1, this.#deadLetters.of(this.#bounded(type), 'drop', errorType(error)));
  }

  ended(type: string, outcome: string, _tookMs: number, failure: Failure | undefined): void {
    const { deadLetters, dropped } = this.#instruments;
    const counter = { 'dead-lettered': deadLetters, dropped }[outcome];
    if (counter === undefined) return;
    const cause = failure?.error === undefined ? undefined : errorType(failure.error);
    counter.add(1, this.#deadLetters.of(this.#bounded(type), failure?.reason, cause));
  }

  noticed(kind: string, count: number): void {
    const { rebalances, commits, leaseRenewals, stalls, dropped, notices } = this.#instruments;
    const counters = {
      rebalanced: rebalances,
      committed: commits,
      'leases-renewed': leaseRenewals,
      stalled: stalls,
    };
    const counter = counters[kind as keyof typeof counters] as Counter | undefined;
    if (counter !== undefined) counter.add(count, this.attributes);
    else if (kind === 'dead-letters-dropped')
      dropped.add(count, this.#deadLetters.of(undefined, 'pushed-out', undefined));
    // That is told from the statistics.
    else if (kind !== 'reconnected') notices.add(count, this.#notices.of(kind));
  }

  connectFailed(error: unknown): void {
    this.#instruments.connectionFailures.add(1, this.#connectionErrors.of(errorType(error)));
  }

  connectionLost(error: unknown): void {
    this.#instruments.connectionLosses.add(1, this.#connectionErrors.of(errorType(error)));
  }

  /** From the statistics, so that what is sent and consumed costs nothing to count. */
  flush(): void {
    const now = counted(this.#readings.stats);
    const told = this.#told;
    const { sent, consumed, reconnections } = this.#instruments;
    sent.add(now.published - told.published, this.#publishes.of(undefined));
    consumed.add(now.consumed - told.consumed, this.#consumed);
    reconnections.add(now.reconnections - told.reconnections, this.attributes);
    this.#told = now;
  }

  restart(): void {
    this.flush();
    this.#told = { published: 0, consumed: 0, reconnections: 0 };
  }

  here(): Gauges {
    return this.#readings.here();
  }

  atBroker(): Promise<BrokerGauges | undefined> {
    return this.#readings.atBroker();
  }

  stop(): void {
    this.flush();
    this.#instruments.remove(this);
  }

  #bounded(type: string): string {
    return this.#scope.isKnown(type) ? type : OTHER;
  }
}
