import type { Stats } from '../src/contracts/telemetry.ts';
import { Attempt, type HandlerSettings } from './attempt.ts';
import type { Dispatch, RetryOrder } from './dispatch.ts';
import { RunningAttempts, type TimeLimits } from './running-attempts.ts';

export interface HandlerInput extends HandlerSettings, TimeLimits {
  readonly stats: Stats;
  /** Builds the error a timed-out attempt fails with. */
  readonly timeoutError: (subscription: string, timeoutMs: number) => Error;
}

type Order = Dispatch | RetryOrder;

/** The data plane of a handler actor: runs the user's function and reports how each attempt ended. */
export class HandlerFlow {
  readonly #input: HandlerInput;
  readonly #running: RunningAttempts;
  readonly #held: Order[] = [];
  /** Its actor is `consuming`. */
  isOpen = false;
  #isCalling = false;
  readonly #handle: HandlerInput['handle'];
  readonly #stats: Stats;
  #idle: (() => void) | undefined = undefined;

  constructor(input: HandlerInput) {
    this.#input = input;
    this.#handle = input.handle;
    this.#stats = input.stats;
    this.#running = new RunningAttempts(input, {
      expired: (attempt) => attempt.abort(input.timeoutError(input.subscription, input.timeoutMs)),
      writtenOff: (attempt) => {
        input.stats.zombieHandlers++;
        this.#ended(attempt, input.timeoutError(input.subscription, input.timeoutMs));
      },
    });
  }

  get isIdle(): boolean {
    return this.#running.count === 0 && this.#held.length === 0;
  }

  /**
   * What is delivered may be run past the actor's mailbox: the actor would do nothing else with it, at once. Only for
   * senders whose own mailbox is busy meanwhile, so that what the handler does to its subscription comes after its call.
   */
  get isAtRest(): boolean {
    return this.isOpen && !this.#isCalling;
  }

  /** Set while the actor drains: told each time the last running attempt has ended. */
  set onIdle(idle: () => void) {
    this.#idle = idle;
  }

  run(order: Order): void {
    const { dispatch } = order;
    if (dispatch.isOver) return this.refuse(order);
    const attempt = new Attempt(this.#input, dispatch, order.attempt);
    let pending: PromiseLike<unknown> | undefined;
    this.#isCalling = true;
    try {
      const handle = this.#handle;
      const { telemetry } = dispatch;
      const result =
        telemetry === undefined
          ? handle(dispatch.event, attempt)
          : telemetry.run(attempt.subscription, attempt.attempt, () => handle(dispatch.event, attempt));
      // Anything thenable is awaited, not only a Promise.
      if (typeof (result as PromiseLike<unknown> | null | undefined)?.then === 'function')
        pending = result as PromiseLike<unknown>;
    } catch (error) {
      this.#isCalling = false;
      this.#failed(attempt, error);
      return;
    }
    this.#isCalling = false;
    if (pending === undefined) {
      this.#succeeded(attempt);
      return;
    }
    this.#running.add(attempt);
    try {
      pending.then(
        () => this.#returned(attempt),
        (error: unknown) =>
          this.#returned(attempt, error ?? new Error('The handler rejected without an error.')),
      );
    } catch (error) {
      this.#returned(attempt, error ?? new Error('The handler returned a broken thenable.'));
    }
  }

  hold(order: Order): void {
    this.#held.push(order);
  }

  runHeld(): void {
    for (const order of this.#held.splice(0)) this.run(order);
  }

  refuseHeld(): void {
    for (const order of this.#held.splice(0)) this.refuse(order);
  }

  /** The handler takes nothing more: its part in the delivery is over as if it had never been subscribed. */
  refuse(order: Order): void {
    order.dispatch.handlerSucceeded(this.#input.subscription, order.attempt);
  }

  abort(reason: Error, dispatch: Dispatch): void {
    this.#running.abort(reason, dispatch);
  }

  /** Cuts everything off: signals abort, and whatever the calls still do changes nothing. */
  abortAll(reason: Error): void {
    const cut = this.#running.abort(reason);
    this.#running.stop();
    for (const { dispatch } of [...cut, ...this.#held.splice(0)]) dispatch.home.ended(dispatch, 'abandoned');
  }

  stop(): void {
    this.#running.stop();
  }

  toJSON(): object {
    return { subscription: this.#input.subscription, running: this.#running.count, held: this.#held.length };
  }

  #returned(attempt: Attempt, error?: unknown): void {
    // Written off, or a thenable that calls back twice.
    if (attempt.isOver) return;
    this.#running.remove(attempt);
    this.#ended(
      attempt,
      attempt.isExpired ? this.#input.timeoutError(this.#input.subscription, this.#input.timeoutMs) : error,
    );
  }

  #ended(attempt: Attempt, error: unknown): void {
    if (error === undefined) this.#succeeded(attempt);
    else this.#failed(attempt, error);
    if (this.#idle !== undefined && this.#running.count === 0) this.#idle();
  }

  #succeeded(attempt: Attempt): void {
    attempt.isOver = true;
    this.#stats.handlersInvoked++;
    attempt.dispatch.handlerSucceeded(this.#input.subscription, attempt.attempt);
  }

  #failed(attempt: Attempt, error: unknown): void {
    attempt.isOver = true;
    this.#stats.handlerErrors++;
    attempt.dispatch.handlerFailed(this.#input.subscription, attempt.attempt, error, this.#input.clock.now());
  }
}
