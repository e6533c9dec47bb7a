/** What the deliveries of a consumer or subscription are doing at worst. */
export type DeliveriesState = 'flowing' | 'retrying' | 'deadLettering' | 'deadLetterFailing';

export interface DeliveriesChanged {
  readonly type: 'deliveries.changed';
  readonly now: DeliveriesState;
}

interface Count {
  retrying: number;
  deadLettering: number;
  failing: number;
  told: DeliveriesState;
}

/**
 * Counts deliveries in trouble, in all and by subscription, and tells an actor only when its state changes by it: a
 * macrostep for each failing delivery would make a bad hour worse.
 */
export class Troubles {
  readonly #all: Count = { retrying: 0, deadLettering: 0, failing: 0, told: 'flowing' };
  readonly #bySubscription = new Map<string, Count>();
  readonly #tell: (subscription: string | undefined, change: DeliveriesChanged) => void;

  /** `tell` gets no subscription for what concerns the consumer as a whole. */
  constructor(tell: (subscription: string | undefined, change: DeliveriesChanged) => void) {
    this.#tell = tell;
  }

  retryBegun(subscription: string): void {
    this.#add(subscription, 'retrying', 1);
    this.#change(undefined, this.#all, 'retrying', 1);
  }

  retryEnded(subscription: string): void {
    this.#add(subscription, 'retrying', -1);
    this.#change(undefined, this.#all, 'retrying', -1);
  }

  deadLetteringBegun(subscriptions: readonly string[]): void {
    for (const subscription of subscriptions) this.#add(subscription, 'deadLettering', 1);
    this.#change(undefined, this.#all, 'deadLettering', 1);
  }

  deadLetteringEnded(subscriptions: readonly string[]): void {
    for (const subscription of subscriptions) this.#add(subscription, 'deadLettering', -1);
    this.#change(undefined, this.#all, 'deadLettering', -1);
  }

  /** A dead letter can't be stored for now. */
  storeFailingBegun(): void {
    this.#change(undefined, this.#all, 'failing', 1);
  }

  storeFailingEnded(): void {
    this.#change(undefined, this.#all, 'failing', -1);
  }

  toJSON(): object {
    return { retrying: this.#all.retrying, deadLettering: this.#all.deadLettering };
  }

  #add(subscription: string, what: 'retrying' | 'deadLettering' | 'failing', by: 1 | -1): void {
    let count = this.#bySubscription.get(subscription);
    if (count === undefined) {
      count = { retrying: 0, deadLettering: 0, failing: 0, told: 'flowing' };
      this.#bySubscription.set(subscription, count);
    }
    this.#change(subscription, count, what, by);
    if (count.retrying === 0 && count.deadLettering === 0) this.#bySubscription.delete(subscription);
  }

  #change(
    subscription: string | undefined,
    count: Count,
    what: 'retrying' | 'deadLettering' | 'failing',
    by: 1 | -1,
  ): void {
    count[what] += by;
    const now = worst(count);
    if (now === count.told) return;
    count.told = now;
    this.#tell(subscription, { type: 'deliveries.changed', now });
  }
}

function worst({ failing, deadLettering, retrying }: Count): DeliveriesState {
  if (failing > 0) return 'deadLetterFailing';
  if (deadLettering > 0) return 'deadLettering';
  return retrying > 0 ? 'retrying' : 'flowing';
}
