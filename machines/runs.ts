import type { AttemptDecision, HandlerFailure, HandlerFailureReason } from '../src/contracts/settlement.ts';
import type { AttemptResult } from './dispatch.ts';

interface Run {
  attempt: number;
  state: 'running' | 'waiting' | 'failed';
  reason: HandlerFailureReason;
  error: unknown;
  firstFailedAt: number;
  lastFailedAt: number;
}

/** How far each failing handler of one delivery has come. Handlers that succeeded at once don't appear. */
export class Runs {
  readonly #runs = new Map<string, Run>();

  /** Takes in how an attempt ended; `decide` is asked after a failure only. */
  note(
    result: AttemptResult,
    decide: (error: unknown, attempt: number) => AttemptDecision,
  ): AttemptDecision | undefined {
    const { subscription, attempt, failure } = result;
    if (failure === undefined) {
      this.#runs.delete(subscription);
      return undefined;
    }
    const decision = decide(failure.error, attempt);
    if (decision.kind === 'drop') this.#runs.delete(subscription);
    else
      this.#runs.set(subscription, {
        attempt,
        state: decision.kind === 'retry' ? 'waiting' : 'failed',
        reason: decision.kind === 'fail' ? decision.reason : 'attempts-exhausted',
        error: failure.error,
        firstFailedAt: this.#runs.get(subscription)?.firstFailedAt ?? failure.at,
        lastFailedAt: failure.at,
      });
    return decision;
  }

  /** The number of the attempt that begins now; undefined when that handler no longer waits. */
  begin(subscription: string): number | undefined {
    const run = this.#runs.get(subscription);
    if (run?.state !== 'waiting') return undefined;
    run.state = 'running';
    return run.attempt + 1;
  }

  /** The attempt that was to begin won't: the handler waits again. */
  putBack(subscription: string): void {
    const run = this.#runs.get(subscription);
    if (run?.state === 'running') run.state = 'waiting';
  }

  cancel(subscription: string): void {
    if (this.#runs.get(subscription)?.state === 'waiting') this.#runs.delete(subscription);
  }

  get hasRunning(): boolean {
    return this.#has('running');
  }

  get hasWaiting(): boolean {
    return this.#has('waiting');
  }

  get waiting(): readonly string[] {
    return [...this.#runs].filter(([, run]) => run.state === 'waiting').map(([subscription]) => subscription);
  }

  get failures(): readonly HandlerFailure[] {
    return [...this.#runs]
      .filter(([, run]) => run.state === 'failed')
      .map(([subscription, { attempt, reason, error, firstFailedAt, lastFailedAt }]) => ({
        subscription,
        reason,
        attempts: attempt,
        error,
        firstFailedAt,
        lastFailedAt,
      }));
  }

  toJSON(): object {
    return [...this.#runs].map(([subscription, { attempt, state }]) => ({ subscription, attempt, state }));
  }

  #has(state: Run['state']): boolean {
    for (const run of this.#runs.values()) if (run.state === state) return true;
    return false;
  }
}
