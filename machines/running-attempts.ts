import type { Clock } from '../src/contracts/clock.ts';
import type { Attempt } from './attempt.ts';
import { Chain } from './chain.ts';
import type { Dispatch } from './dispatch.ts';

const SWEEPS_PER_TIMEOUT = 8;

export interface TimeLimits {
  /** Milliseconds an attempt may take; 0 means no limit. */
  readonly timeoutMs: number;
  /** Milliseconds a timed-out attempt is waited for after its signal aborted. */
  readonly abortGraceMs: number;
  readonly clock: Clock;
}

/**
 * The unfinished attempts of one handler, under one coarse clock for all of them: a timer for each
 * would cost more than the delivery. An attempt is found out at most an eighth of its timeout late.
 */
export class RunningAttempts {
  readonly #limits: TimeLimits;
  readonly #expired: (attempt: Attempt) => void;
  readonly #writtenOff: (attempt: Attempt) => void;
  readonly #sweepMs: number;
  readonly #graceSweeps: number;
  readonly #attempts = new Chain<Attempt>();
  #sweep = 0;
  #timer: unknown = undefined;

  constructor(
    limits: TimeLimits,
    on: { readonly expired: (attempt: Attempt) => void; readonly writtenOff: (attempt: Attempt) => void },
  ) {
    this.#limits = limits;
    this.#expired = on.expired;
    this.#writtenOff = on.writtenOff;
    this.#sweepMs = Math.max(1, Math.ceil(limits.timeoutMs / SWEEPS_PER_TIMEOUT));
    this.#graceSweeps = Math.ceil(limits.abortGraceMs / this.#sweepMs);
  }

  get count(): number {
    return this.#attempts.length;
  }

  add(attempt: Attempt): void {
    attempt.startedAt = this.#sweep;
    this.#attempts.add(attempt);
    if (this.#timer === undefined && this.#limits.timeoutMs > 0) this.#arm();
  }

  remove(attempt: Attempt): void {
    this.#attempts.remove(attempt);
  }

  /** Aborts the signals of all attempts, or of one dispatch's; returns those attempts. */
  abort(reason: Error, dispatch?: Dispatch): Attempt[] {
    const aborted = this.#attempts
      .all()
      .filter((attempt) => dispatch === undefined || attempt.dispatch === dispatch);
    for (const attempt of aborted) attempt.abort(reason);
    return aborted;
  }

  stop(): void {
    if (this.#timer !== undefined) this.#limits.clock.clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  #arm(): void {
    const handle = this.#limits.clock.setTimeout(() => this.#tick(), this.#sweepMs);
    // A timer that only watches must not keep a process alive that has nothing else to do.
    (handle as { unref?: () => void } | undefined)?.unref?.();
    this.#timer = handle;
  }

  #tick(): void {
    this.#timer = undefined;
    if (this.count === 0) return;
    this.#sweep++;
    const expiry = this.#sweep - SWEEPS_PER_TIMEOUT - 1;
    for (const attempt of this.#attempts.all().filter(({ startedAt }) => startedAt <= expiry)) {
      if (!attempt.isExpired) {
        attempt.isExpired = true;
        this.#expired(attempt);
      }
      if (attempt.startedAt + this.#graceSweeps <= expiry && !attempt.isOver) {
        this.remove(attempt);
        this.#writtenOff(attempt);
      }
    }
    if (this.count > 0) this.#arm();
  }
}
