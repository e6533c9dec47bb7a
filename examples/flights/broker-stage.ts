import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { type BrokerEventBus, ConnectionError, type DrainReport, type ReplayReport } from 'buschart';
import type { FlightEvent } from './events.ts';
import { FlightHandlers } from './handlers.ts';
import { noJournal } from './journal.ts';
import { longDelayMinutes } from './notifier.ts';
import { type BrokerName, busAt, hintFor, type Place, removeAll } from './places.ts';
import { Problem } from './problem.ts';
import type { Stage } from './stage.ts';
import { WorkerPool } from './worker-pool.ts';

export interface BrokerStageOptions {
  readonly broker: BrokerName;
  readonly url: string;
  readonly workers: number;
  /** Kill one worker once half of this many events are published; undefined kills none. */
  readonly killAmong: number | undefined;
  readonly seed: number;
  /** Each worker shows itself in a page of its own. */
  readonly inspect: boolean;
  readonly signal: AbortSignal;
}

/** Most events published and not yet counted by a worker: bounds what the run takes on the broker. */
const maxBacklog = 20_000;
const pollMs = 50;
/** Nothing handled for this long means that something is wrong. */
const stalledAfterMs = 60_000;

/** This process publishes, worker processes handle, and their journals tell what they did. */
export class BrokerStage implements Stage {
  readonly bus: BrokerEventBus;
  readonly handlers: FlightHandlers;
  readonly notes: string[] = [];
  readonly #options: BrokerStageOptions;
  readonly #place: Place;
  #pool: WorkerPool | undefined;
  /** From then on there may be something to remove. */
  #isConnected = false;
  #published = 0;
  /** Of those published: events with a handler that may fail. */
  #risky = 0;
  #killed = false;

  private constructor(options: BrokerStageOptions) {
    this.#options = options;
    const { broker, url } = options;
    this.#place = { broker, url, name: `buschart-flights-${randomUUID()}` };
    this.handlers = new FlightHandlers(options.seed, noJournal);
    this.bus = busAt(this.#place, { connectTimeoutMs: 5000 });
  }

  /**
   * Resolves once all workers consume; leaves nothing when it rejects.
   * @throws {Problem} when no broker answers at that address, or it refuses the password.
   */
  static async open(options: BrokerStageOptions): Promise<BrokerStage> {
    const stage = new BrokerStage(options);
    try {
      await stage.bus.connect({ signal: options.signal });
      stage.#isConnected = true;
      const { workers, seed, inspect } = options;
      stage.#pool = await WorkerPool.start(workers, { place: stage.#place, seed, inspect });
      return stage;
    } catch (error) {
      await stage[Symbol.asyncDispose]();
      if (!(error instanceof ConnectionError)) throw error;
      throw new Problem(
        `${error.message}\n${hintFor(options.broker)}, or leave --transport out to run in memory.`,
        { cause: error },
      );
    }
  }

  async publish(events: readonly FlightEvent[]): Promise<void> {
    const { killAmong, signal } = this.#options;
    await this.bus.publish(events, { signal });
    this.#published += events.length;
    for (const event of events) if (mayFail(event)) this.#risky++;
    // At once, while the workers have these events in hand.
    if (killAmong !== undefined && !this.#killed && this.#published >= killAmong / 2) await this.#kill();
    await this.#collectUntil(async () => this.#published - this.handlers.projection.events <= maxBacklog);
  }

  async #kill(): Promise<void> {
    this.#killed = true;
    const name = await this.#workers.killAndReplace();
    this.notes.push(`${name} was killed with SIGKILL after ${this.#published} events, and replaced`);
  }

  /** Counted means that it was delivered; the handler that may fail has succeeded by then, or its event is a dead letter. */
  settled(): Promise<void> {
    return this.#collectUntil(async () => {
      const { projection, audit } = this.handlers;
      if (Math.min(projection.events, audit.size) < this.#published) return false;
      return this.handlers.successes + (await this.bus.deadLetters.count()) >= this.#risky;
    });
  }

  /** Every dead letter leads to one more success of the handler that failed, or stays, or comes back. */
  async replay(): Promise<ReplayReport> {
    const before = this.handlers.successes;
    const report = await this.bus.deadLetters.replayAll();
    await this.#collectUntil(async () => {
      const left = await this.bus.deadLetters.count();
      return this.handlers.successes - before + left >= report.matched;
    });
    return report;
  }

  repair(): Promise<void> {
    return this.#workers.repair();
  }

  async drain(): Promise<DrainReport> {
    const reports = [...(await this.#workers.drain()), await this.bus.shutdown()];
    await this.#collect();
    return reports.reduce((sum, report) => ({
      settled: sum.settled + report.settled,
      released: sum.released + report.released,
      aborted: sum.aborted + report.aborted,
      unpublished: sum.unpublished + report.unpublished,
      timedOut: sum.timedOut || report.timedOut,
    }));
  }

  /** Leaves no worker, no file, and nothing on the broker. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#pool?.[Symbol.asyncDispose]();
    await this.bus.shutdown();
    if (!this.#isConnected) return;
    await removeAll(this.#place).catch((error: Error) => {
      const { broker, name } = this.#place;
      throw new Problem(
        `What this run made is left on ${broker} (${error.message}). When it is back, remove ${name}*`,
      );
    });
  }

  get #workers(): WorkerPool {
    if (this.#pool === undefined) throw new Error('the stage is not open');
    return this.#pool;
  }

  #collect(): Promise<void> {
    return this.#workers.readJournals((fact) => this.handlers.apply(fact));
  }

  /** Follows the journals until the condition holds. */
  async #collectUntil(isDone: () => Promise<boolean>): Promise<void> {
    let entries = -1;
    let changedAt = performance.now();
    for (;;) {
      const done = await isDone();
      await this.#collect();
      if (done) return;
      if (this.handlers.audit.size !== entries) {
        entries = this.handlers.audit.size;
        changedAt = performance.now();
      } else if (performance.now() - changedAt > stalledAfterMs) {
        throw new Problem(
          `No worker has handled anything for ${stalledAfterMs / 1000} s. Is ${this.#place.broker} still there?`,
        );
      }
      await delay(pollMs, undefined, { signal: this.#options.signal });
    }
  }
}

/** Whether a handler may fail on it: the ledger takes departures, the notifier long delays. */
function mayFail(event: FlightEvent): boolean {
  return event.eventType === 'FlightDeparted' || event.delayMinutes > longDelayMinutes;
}
