/** What the deliveries of a consumer or subscription are doing at worst. */
export type DeliveriesState =
  | 'flowing'
  | 'retrying'
  /** A next attempt can't be stored at the broker. */
  | 'deferFailing'
  | 'deadLettering'
  /** A dead letter can't be stored. */
  | 'deadLetterFailing';

export interface DeliveriesChanged {
  readonly type: 'deliveries.changed';
  readonly now: DeliveriesState;
}

type Trouble = Exclude<DeliveriesState, 'flowing'>;
type StoreTrouble = Extract<Trouble, `${string}Failing`>;

type Count = Record<Trouble, number> & { told: DeliveriesState };

const none = (): Count => ({
  retrying: 0,
  deferFailing: 0,
  deadLettering: 0,
  deadLetterFailing: 0,
  told: 'flowing',
});

/**
 * Counts deliveries in trouble, in all and by subscription, and tells an actor only when its state changes by it: a
 * macrostep for each failing delivery would make a bad hour worse.
 */
export class Troubles {
  readonly #all = none();
  /** Why a dead letter, or a next attempt, last could not be stored. */
  storeProblem = '';
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

  /** What a delivery needs stored can't be for now. */
  storeFailingBegun(what: StoreTrouble): void {
    this.#change(undefined, this.#all, what, 1);
  }

  storeFailingEnded(what: StoreTrouble): void {
    this.#change(undefined, this.#all, what, -1);
  }

  toJSON(): object {
    return { retrying: this.#all.retrying, deadLettering: this.#all.deadLettering };
  }

  #add(subscription: string, what: Exclude<Trouble, StoreTrouble>, by: 1 | -1): void {
    let count = this.#bySubscription.get(subscription);
    if (count === undefined) {
      count = none();
      this.#bySubscription.set(subscription, count);
    }
    this.#change(subscription, count, what, by);
    if (count.retrying === 0 && count.deadLettering === 0) this.#bySubscription.delete(subscription);
  }

  #change(subscription: string | undefined, count: Count, what: Trouble, by: 1 | -1): void {
    count[what] += by;
    const now = worst(count);
    if (now === count.told) return;
    count.told = now;
    this.#tell(subscription, { type: 'deliveries.changed', now });
  }
}

const WORST_FIRST = ['deadLetterFailing', 'deferFailing', 'deadLettering', 'retrying'] as const;

const worst = (count: Count): DeliveriesState => WORST_FIRST.find((what) => count[what] > 0) ?? 'flowing';
