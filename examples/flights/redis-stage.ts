import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { ConnectionError, type DrainReport, type ReplayReport } from 'buschart';
import { RedisEventBus } from 'buschart/redis';
import type { FlightEvent } from './events.ts';
import { FlightHandlers } from './handlers.ts';
import { noJournal } from './journal.ts';
import { logger } from './logger.ts';
import { Problem } from './problem.ts';
import { removeKeys } from './redis-keys.ts';
import type { Stage } from './stage.ts';
import { consumerGroup } from './worker-messages.ts';
import { WorkerPool } from './worker-pool.ts';

export interface RedisStageOptions {
  readonly redisUrl: string;
  readonly workers: number;
  /** Kill one worker once half of this many events are published; undefined kills none. */
  readonly killAmong: number | undefined;
  readonly seed: number;
  readonly signal: AbortSignal;
}

/** Most events published and not yet counted by a worker: bounds the memory that the run takes on Redis. */
const maxBacklog = 20_000;
const pollMs = 50;
/** Nothing handled for this long means that something is wrong. */
const stalledAfterMs = 60_000;

/** This process publishes, worker processes handle, and their journals tell what they did. */
export class RedisStage implements Stage {
  readonly bus: RedisEventBus;
  readonly handlers: FlightHandlers;
  readonly notes: string[] = [];
  readonly #options: RedisStageOptions;
  readonly #streamPrefix: string;
  #pool: WorkerPool | undefined;
  /** From then on there may be keys to remove. */
  #isConnected = false;
  #published = 0;
  #killed = false;

  private constructor(options: RedisStageOptions) {
    this.#options = options;
    this.#streamPrefix = `buschart-flights-${randomUUID()}`;
    this.handlers = new FlightHandlers(options.seed, noJournal);
    this.bus = new RedisEventBus({
      redisUrl: options.redisUrl,
      streamPrefix: this.#streamPrefix,
      consumerGroup,
      connectTimeoutMs: 5000,
      trim: 'handled',
      logger,
    });
  }

  /**
   * Resolves once all workers consume; leaves nothing when it rejects.
   * @throws {Problem} when no Redis answers at that address, or it refuses the password.
   */
  static async open(options: RedisStageOptions): Promise<RedisStage> {
    const stage = new RedisStage(options);
    try {
      await stage.bus.connect({ signal: options.signal });
      stage.#isConnected = true;
      const { redisUrl, seed } = options;
      stage.#pool = await WorkerPool.start(options.workers, {
        redisUrl,
        seed,
        streamPrefix: stage.#streamPrefix,
      });
      return stage;
    } catch (error) {
      await stage[Symbol.asyncDispose]();
      if (!(error instanceof ConnectionError)) throw error;
      throw new Problem(
        `${error.message}\nStart a Redis there (redis-server), name another with ` +
          '--redis-url redis://user:password@host:port, or leave --transport out to run in memory.',
        { cause: error },
      );
    }
  }

  async publish(events: readonly FlightEvent[]): Promise<void> {
    const { killAmong, signal } = this.#options;
    await this.bus.publish(events, { signal });
    this.#published += events.length;
    // At once, while the workers have these events in hand.
    if (killAmong !== undefined && !this.#killed && this.#published >= killAmong / 2) await this.#kill();
    await this.#collectUntil(async () => this.#published - this.handlers.projection.events <= maxBacklog);
  }

  async #kill(): Promise<void> {
    this.#killed = true;
    const name = await this.#workers.killAndReplace();
    this.notes.push(`${name} was killed with SIGKILL after ${this.#published} events, and replaced`);
  }

  /** Counted means that it was delivered; no longer pending, that all its handlers have ended. */
  settled(): Promise<void> {
    return this.#collectUntil(async () => {
      const { pendingMessages } = await this.bus.getInfo();
      return pendingMessages === 0 && this.handlers.projection.events === this.#published;
    });
  }

  /** Every dead letter leads to one more success of the handler that failed, or stays, or comes back. */
  async replay(): Promise<ReplayReport> {
    const before = this.handlers.successes;
    const report = await this.bus.deadLetters.replayAll();
    await this.#collectUntil(async () => {
      const { pendingMessages, dlqMessages } = await this.bus.getInfo();
      return pendingMessages === 0 && this.handlers.successes - before + dlqMessages >= report.matched;
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

  /** Leaves no worker, no file and no key on Redis. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#pool?.[Symbol.asyncDispose]();
    await this.bus.shutdown();
    if (!this.#isConnected) return;
    await removeKeys(this.#options.redisUrl, this.#streamPrefix).catch((error: Error) => {
      throw new Problem(
        `The keys of this run are left on Redis (${error.message}). When it is back, remove ${this.#streamPrefix}*`,
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
          `No worker has handled anything for ${stalledAfterMs / 1000} s. Is Redis still there?`,
        );
      }
      await delay(pollMs, undefined, { signal: this.#options.signal });
    }
  }
}
