import type { Dispatch, RetryOrder } from './dispatch.ts';
import { Fifo } from './fifo.ts';
import { relay } from './internals.ts';
import { Quarantine, type QuarantineSettings } from './quarantine.ts';

/** The slots of one consumer: deliveries that run at once, or one that is suspected alone. */
export class Slots {
  readonly limit: number;
  used = 0;
  readonly #quarantine: Quarantine | undefined;
  #alone: Dispatch | undefined = undefined;
  /** Further attempts that are due and wait for a slot; they go before deliveries that haven't started. */
  readonly retries = new Fifo<RetryOrder>();

  /** @param quarantine Undefined without a broker, where nothing is delivered twice. */
  constructor(limit: number, quarantine?: QuarantineSettings) {
    this.limit = limit;
    this.#quarantine = quarantine && new Quarantine(quarantine);
  }

  /** Nothing runs, and no further attempt is due. */
  get isIdle(): boolean {
    return this.used === 0 && this.retries.length === 0;
  }

  get hasFree(): boolean {
    return this.used < this.limit;
  }

  mayStart(dispatch: Dispatch): boolean {
    if (!this.hasFree || this.#alone !== undefined) return false;
    const quarantine = this.#quarantine;
    if (quarantine?.isSuspect(dispatch) !== true) return true;
    return this.used === 0 && quarantine.isQuiet;
  }

  /** @see Quarantine.convicts */
  convicts(dispatch: Dispatch): boolean {
    return this.#quarantine?.convicts(dispatch) === true;
  }

  take(dispatch: Dispatch): void {
    if (this.#quarantine?.isSuspect(dispatch) === true) this.#alone = dispatch;
    this.used++;
    dispatch.slots++;
  }

  free(dispatch: Dispatch): void {
    if (this.#alone === dispatch) this.#alone = undefined;
    this.used--;
    dispatch.slots--;
    this.#quarantine?.stir();
  }

  /** True if nothing of it runs, so that its delivery actor can give it up. */
  recall(dispatch: Dispatch): boolean {
    if (dispatch.slots > 0) return false;
    this.refuseRetries(dispatch);
    dispatch.actor?.send({ type: 'recall' });
    return dispatch.isOver;
  }

  /** Nothing more is to begin: what waits for a slot goes back to its delivery actor. */
  stop(): void {
    this.#quarantine?.stop();
    this.refuseRetries();
  }

  /** Gives the attempts that wait for a slot back to their delivery actors: all, or those of one delivery. */
  refuseRetries(only?: Dispatch): void {
    for (const order of this.retries.drain()) {
      const { dispatch, subscription } = order;
      if (only !== undefined && dispatch !== only) this.retries.push(order);
      // One that is over by now has a stopped actor, and nobody who waits.
      else if (!dispatch.isOver) dispatch.actor?.send({ type: 'retry.refused', subscription });
    }
  }
}

/** Runs a further attempt in a slot that is free. */
export function startRetry(slots: Slots, order: RetryOrder): void {
  const { dispatch, handler, subscription, attempt } = order;
  slots.take(dispatch);
  // A stopped actor drops its messages: unsubscribed while this attempt waited for its slot.
  if (handler.getSnapshot().status !== 'active') dispatch.handlerSucceeded(subscription, attempt);
  else relay(dispatch.actor, handler, order);
}
