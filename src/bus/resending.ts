import type { Clock } from '../contracts/clock.ts';

/** How long a publish that failed without a loss of the connection waits before it is sent again: the first time, */
export const RESEND_MS = 200;
/** and at most. It doubles, because what one of several queues refuses the others may get anew each time. */
const MOST_RESEND_MS = 2000;

/** What failed, with its own delay: that others are stored meanwhile tells nothing of where it goes. */
export interface Resent {
  /** The next time that it fails. */
  resendMs: number;
}

/** When a queue goes on after a failure: once what has to wait longest is due, since none may overtake another. */
export class Resending {
  readonly #clock: Clock;
  readonly #goOn: () => void;
  #timer: unknown = undefined;
  #dueAt = 0;

  constructor(clock: Clock, goOn: () => void) {
    this.#clock = clock;
    this.#goOn = goOn;
  }

  get isAwaited(): boolean {
    return this.#timer !== undefined;
  }

  /** @param now of a clock that nobody sets. */
  await(failed: Resent, now: number): void {
    const { resendMs } = failed;
    failed.resendMs = Math.min(resendMs * 2, MOST_RESEND_MS);
    if (this.isAwaited && now + resendMs <= this.#dueAt) return;
    this.cancel();
    this.#dueAt = now + resendMs;
    this.#timer = this.#clock.setTimeout(() => {
      this.#timer = undefined;
      this.#goOn();
    }, resendMs);
  }

  cancel(): void {
    this.#clock.clearTimeout(this.#timer);
    this.#timer = undefined;
  }
}
