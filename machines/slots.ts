import type { Dispatch, RetryOrder } from './dispatch.ts';
import { Fifo } from './fifo.ts';
import { relay } from './internals.ts';

/** From this delivery on a message is suspected of killing its process, and is handled alone. */
const SUSPECT_FROM = 3;

const isSuspect = ({ delivery }: Dispatch): boolean => (delivery?.deliveryCount ?? 1) >= SUSPECT_FROM;

/** The slots of one consumer: deliveries that run at once, or one that is suspected alone. */
export class Slots {
  readonly limit: number;
  used = 0;
  #alone: Dispatch | undefined = undefined;
  /** Further attempts that are due and wait for a slot; they go before deliveries that haven't started. */
  readonly retries = new Fifo<RetryOrder>();

  constructor(limit: number) {
    this.limit = limit;
  }

  /** Nothing runs, and no further attempt is due. */
  get isIdle(): boolean {
    return this.used === 0 && this.retries.length === 0;
  }

  get hasFree(): boolean {
    return this.used < this.limit;
  }

  mayStart(dispatch: Dispatch): boolean {
    return this.hasFree && this.#alone === undefined && (this.used === 0 || !isSuspect(dispatch));
  }

  take(dispatch: Dispatch): void {
    if (isSuspect(dispatch)) this.#alone = dispatch;
    this.used++;
    dispatch.slots++;
  }

  free(dispatch: Dispatch): void {
    if (this.#alone === dispatch) this.#alone = undefined;
    this.used--;
    dispatch.slots--;
  }

  /** Gives the attempts that wait for a slot back to their delivery actors. */
  refuseRetries(): void {
    for (const { dispatch, subscription } of this.retries.drain())
      dispatch.actor?.send({ type: 'retry.refused', subscription });
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
