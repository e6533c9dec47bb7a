import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Clock } from '../contracts/clock.ts';

/** Where a {@link VirtualClock} starts unless told otherwise: 2026-01-01T00:00:00Z, in milliseconds. */
export const virtualEpochMs = Date.UTC(2026, 0, 1);

interface Timer {
  readonly dueAt: number;
  readonly callback: (...args: unknown[]) => void;
}

/**
 * Time that moves only when a test says so. Fits the `clock` option of every bus and of XState's `createActor`.
 * One test drives it at a time: don't overlap calls of `advance` and `runUntil`.
 */
export class VirtualClock implements Clock {
  #now: number;
  #nextHandle = 1;
  /** By handle; insertion order settles which of two timers due at one instant fires first. */
  readonly #timers = new Map<number, Timer>();

  /** @param startAt Milliseconds since the epoch. */
  constructor(startAt: number = virtualEpochMs) {
    this.#now = startAt;
  }

  now(): number {
    return this.#now;
  }

  /** As the process's own: a delay that is negative or no number counts as 0. Never fires within this call. */
  setTimeout(callback: (...args: unknown[]) => void, delayMs: number): number {
    const handle = this.#nextHandle++;
    this.#timers.set(handle, { dueAt: this.#now + (delayMs > 0 ? delayMs : 0), callback });
    return handle;
  }

  /** Unknown and fired handles are ignored. */
  clearTimeout(handle: unknown): void {
    this.#timers.delete(handle as number);
  }

  /** Timers set, neither fired nor cleared. */
  get pending(): number {
    return this.#timers.size;
  }

  /** When the next timer is due, in milliseconds since the epoch; undefined without one. */
  get nextDueAt(): number | undefined {
    return this.#next()?.[1].dueAt;
  }

  /**
   * Moves time on and fires what comes due, in order of due time, one at a time: promises and I/O callbacks run
   * between two timers, and timers that they set within the span fire too.
   * Resolves once everything that the last timer set off has had its turn. Rejects with what a timer threw.
   */
  async advance(ms: number): Promise<void> {
    if (!(ms >= 0)) throw new RangeError(`advance needs a number of milliseconds from 0 up, not ${ms}`);
    const end = this.#now + ms;
    await settle();
    for (let next = this.#next(); next !== undefined && next[1].dueAt <= end; next = this.#next()) {
      await this.#fire(next);
    }
    this.#now = Math.max(this.#now, end);
    await settle();
  }

  /**
   * Fires timer after timer until the predicate holds; resolves at that instant.
   * @param options.limitMs Most virtual time that may pass; 3,600,000 (an hour) by default.
   * @throws {Error} when the limit is reached, or no timer is left that could change anything.
   */
  async runUntil(predicate: () => boolean, options: { readonly limitMs?: number } = {}): Promise<void> {
    const limitMs = options.limitMs ?? 3_600_000;
    const end = this.#now + limitMs;
    await settle();
    while (!predicate()) {
      const next = this.#next();
      if (next === undefined)
        throw new Error('runUntil: the condition does not hold and no timer is pending');
      if (next[1].dueAt > end) {
        throw new Error(`runUntil: the condition did not hold within ${limitMs} ms of virtual time`);
      }
      await this.#fire(next);
    }
  }

  #next(): [handle: number, timer: Timer] | undefined {
    let earliest: [number, Timer] | undefined;
    for (const entry of this.#timers) {
      if (earliest === undefined || entry[1].dueAt < earliest[1].dueAt) earliest = entry;
    }
    return earliest;
  }

  async #fire([handle, timer]: [number, Timer]): Promise<void> {
    this.#timers.delete(handle);
    this.#now = Math.max(this.#now, timer.dueAt);
    timer.callback();
    await settle();
  }
}

/**
 * Lets promises and callbacks run. A turn of the event loop drains the whole microtask queue; four of them also
 * cover code that itself waits for a turn or two, such as a trampoline on setImmediate.
 */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 4; turn++) await nextTurn();
}
