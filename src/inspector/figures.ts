import type { BrokerEventBus, BusInfo } from '../bus/api.ts';
import type { Stats } from '../contracts/telemetry.ts';
import { ShownError } from '../observability/shown-error.ts';
import type { Sample } from './protocol.ts';

/** Ten minutes. */
const KEPT = 600;
export const SAMPLE_MS = 1000;
const ASK_MS = 2000;
/** An answer that takes longer is shown as a problem, and isn't waited for by the next question. */
const ANSWER_MS = 5000;

/** The bus' figures over time. The broker is asked for lag and dead letters while somebody looks, and only then. */
export class Figures {
  readonly samples: Sample[] = [];
  /** Why lag and dead letters aren't known. */
  problem: string | undefined = undefined;
  readonly #bus: BrokerEventBus;
  readonly #troubled: () => number;
  readonly #ask: () => Promise<BusInfo>;
  #before: Stats;
  #beforeAt: number;
  #info: BusInfo | undefined = undefined;
  #askedAt = -Infinity;
  #isAsking = false;

  constructor(bus: BrokerEventBus, troubled: () => number) {
    this.#bus = bus;
    this.#troubled = troubled;
    this.#ask = () => bus.getInfo();
    this.#before = bus.getStats();
    this.#beforeAt = performance.now();
  }

  /** What the broker said last; undefined while it isn't known. */
  get info(): BusInfo | undefined {
    return this.#info;
  }

  sample(isWatched: boolean): void {
    const now = performance.now();
    const stats = this.#bus.getStats();
    const seconds = (now - this.#beforeAt) / 1000;
    // After a reset of the statistics it counts from 0 again.
    const rate = (name: keyof Stats): number => {
      const since = stats[name] - this.#before[name];
      return Math.round(((since < 0 ? stats[name] : since) / seconds) * 10) / 10;
    };
    this.samples.push({
      at: Date.now() / 1000,
      published: rate('eventsPublished'),
      consumed: rate('eventsConsumed'),
      failed: rate('handlerErrors'),
      retried: rate('retries'),
      inFlight: stats.inFlight,
      troubled: this.#troubled(),
      lag: this.#info?.lag ?? null,
      deadLetters: this.#info?.dlqMessages ?? null,
    });
    if (this.samples.length > KEPT) this.samples.shift();
    this.#before = stats;
    this.#beforeAt = now;
    if (!isWatched) this.#info = undefined;
    else if (!this.#isAsking && now - this.#askedAt >= ASK_MS) void this.#learn();
  }

  /** Asks the broker, now. */
  async #learn(): Promise<void> {
    this.#isAsking = true;
    this.#askedAt = performance.now();
    try {
      const info = await within(ANSWER_MS, this.#ask());
      this.#info = info.connected ? info : undefined;
      this.problem = info.connected ? undefined : 'The bus is not connected.';
    } catch (error) {
      this.#info = undefined;
      this.problem = ShownError.of(error).message;
    } finally {
      this.#isAsking = false;
    }
  }
}

/** Rejects when there is no answer in time. */
export async function within<T>(limitMs: number, answer: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(
      () => reject(new Error(`The broker has not answered in ${limitMs / 1000} s.`)),
      limitMs,
    );
    timer.unref();
  });
  try {
    return await Promise.race([answer, late]);
  } finally {
    clearTimeout(timer);
  }
}
