import type { AttemptDecision, HandlerFailure, HandlerFailureReason } from '../src/contracts/settlement.ts';
import type { AttemptResult } from './dispatch.ts';

/** The next attempt of some handlers of one delivery, waiting at the broker. */
export interface DeferredRetry {
  readonly delayMs: number;
  /** Its number; the same for all of them, because they began together. */
  readonly attempt: number;
  readonly subscriptions: readonly string[];
  /** Milliseconds since the epoch. */
  readonly firstFailedAt: number;
}

interface Run {
  attempt: number;
  /** Deferrable: it waits until no other runs, to wait at the broker then. */
  state: 'running' | 'waiting' | 'deferrable' | 'failed';
  delayMs: number;
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
    mayDefer: boolean,
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
        state: decision.kind !== 'retry' ? 'failed' : mayDefer ? 'deferrable' : 'waiting',
        delayMs: decision.kind === 'retry' ? decision.delayMs : 0,
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
    if (run === undefined || !isWaiting(run)) return undefined;
    run.state = 'running';
    return run.attempt + 1;
  }

  /** The attempt that was to begin won't: the handler waits again. */
  putBack(subscription: string): void {
    const run = this.#runs.get(subscription);
    if (run?.state === 'running') run.state = 'waiting';
  }

  cancel(subscription: string): void {
    const run = this.#runs.get(subscription);
    if (run !== undefined && isWaiting(run)) this.#runs.delete(subscription);
  }

  get hasRunning(): boolean {
    return this.#has(({ state }) => state === 'running');
  }

  get hasWaiting(): boolean {
    return this.#has(isWaiting);
  }

  /** All that is left to do can wait at the broker. */
  get isDeferrable(): boolean {
    return this.#runs.size > 0 && !this.#has(({ state }) => state !== 'deferrable');
  }

  /** What waits at the broker from now on. */
  get deferral(): DeferredRetry {
    const runs = [...this.#runs.values()];
    return {
      delayMs: Math.max(...runs.map(({ delayMs }) => delayMs)),
      attempt: Math.max(...runs.map(({ attempt }) => attempt)) + 1,
      subscriptions: [...this.#runs.keys()],
      firstFailedAt: Math.min(...runs.map(({ firstFailedAt }) => firstFailedAt)),
    };
  }

  /** A handler has failed for good, so the others wait here: one delivery has one settlement. Returns their delays. */
  keepDeferrable(): readonly { readonly subscription: string; readonly delayMs: number }[] {
    if (!this.#has(({ state }) => state === 'failed')) return [];
    const kept = [...this.#runs].filter(([, { state }]) => state === 'deferrable');
    return kept.map(([subscription, run]) => {
      run.state = 'waiting';
      return { subscription, delayMs: run.delayMs };
    });
  }

  get waiting(): readonly string[] {
    return [...this.#runs].filter(([, run]) => isWaiting(run)).map(([subscription]) => subscription);
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

  #has(isMeant: (run: Run) => boolean): boolean {
    return [...this.#runs.values()].some(isMeant);
  }
}

const isWaiting = ({ state }: Run): boolean => state === 'waiting' || state === 'deferrable';
