import type { Clock } from '../contracts/clock.ts';

const LOOKS_EVERY_MS = 500;
/** Longer than a collected heap or a busy machine explains, and well within the leases, heartbeats and sessions of the defaults. */
const WORTH_TELLING_MS = 2_000;

/**
 * Notices that this process stood still: a handler blocked the event loop, or the process was frozen. Nothing
 * of a bus runs meanwhile, so its broker may take a living consumer for a dead one; afterwards only time tells why.
 * Watches nothing where the clock can't tell how long something took, as one that tests move by leaps.
 */
export class StandstillWatch {
  readonly #clock: Clock;
  readonly #told: (stoodStillMs: number) => void;
  #timer: unknown;

  constructor(clock: Clock, told: (stoodStillMs: number) => void) {
    this.#clock = clock;
    this.#told = told;
  }

  /** Idempotent. Keeps no process alive. */
  start(): void {
    if (this.#timer !== undefined || this.#clock.elapsed === undefined) return;
    const due = this.#clock.elapsed() + LOOKS_EVERY_MS;
    this.#timer = this.#clock.setTimeout(() => {
      const lateMs = (this.#clock.elapsed?.() ?? due) - due;
      this.#timer = undefined;
      this.start();
      if (lateMs >= WORTH_TELLING_MS) this.#told(Math.round(lateMs));
    }, LOOKS_EVERY_MS);
    (this.#timer as Partial<NodeJS.Timeout>).unref?.();
  }

  /** For good. */
  stop(): void {
    this.#clock.clearTimeout(this.#timer);
    this.#timer = undefined;
  }
}
