import { processClock } from '../../bus/process-clock.ts';
import type { Clock } from '../../contracts/clock.ts';

/** Delays from here on are a model's to end, and no driver's, timeout's or lease's: over a day. */
const HELD_FROM_MS = 100_000_000;

/** Backoff before the second attempt, in milliseconds; it doubles with each further one. */
export const BACKOFF_MS = HELD_FROM_MS;
/** Of shutdown and stopConsuming, in milliseconds: not a multiple of a backoff. */
export const DRAIN_MS = 1_950_000_000;

interface HeldTimer {
  readonly delayMs: number;
  readonly callback: () => void;
}

/**
 * A clock on which backoffs and drain timeouts pass when the model says so, and everything else as on the clock below:
 * a path then takes the same course on a real broker as on virtual time.
 */
export class HeldClock implements Clock {
  readonly #clock: Clock;
  readonly #held = new Set<HeldTimer>();
  /** Those of the clock below, by what it calls them. */
  readonly #passed = new Set<unknown>();

  constructor(clock: Clock = processClock) {
    this.#clock = clock;
  }

  now(): number {
    return this.#clock.now();
  }

  setTimeout(callback: () => void, delayMs: number): unknown {
    if (delayMs < HELD_FROM_MS) return this.#pass(callback, delayMs);
    const timer = { delayMs, callback };
    this.#held.add(timer);
    return timer;
  }

  clearTimeout(handle: unknown): void {
    if (this.#held.delete(handle as HeldTimer)) return;
    this.#passed.delete(handle);
    this.#clock.clearTimeout(handle);
  }

  /** Timers set, held or not, neither fired nor cleared. */
  get pending(): number {
    return this.#held.size + this.#passed.size;
  }

  /** Delays of the backoffs that wait, shortest first. */
  get backoffs(): readonly number[] {
    return [...this.#held]
      .map(({ delayMs }) => delayMs)
      .filter(isBackoff)
      .toSorted((one, other) => one - other);
  }

  endBackoffs(): void {
    this.#end(isBackoff);
  }

  endDrain(): void {
    this.#end((delayMs) => delayMs === DRAIN_MS);
  }

  #pass(callback: () => void, delayMs: number): unknown {
    const handle = this.#clock.setTimeout(() => {
      this.#passed.delete(handle);
      callback();
    }, delayMs);
    this.#passed.add(handle);
    return handle;
  }

  #end(isMeant: (delayMs: number) => boolean): void {
    for (const timer of [...this.#held])
      if (isMeant(timer.delayMs) && this.#held.delete(timer)) timer.callback();
  }
}

const isBackoff = (delayMs: number): boolean => delayMs % BACKOFF_MS === 0 && delayMs !== DRAIN_MS;
