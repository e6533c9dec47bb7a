import type { AnyActorRef } from 'xstate';
import type { DomainEvent } from '../src/contracts/event.ts';
import type { Headers } from '../src/contracts/message.ts';
import type { DeadLetterReason, Settlement } from '../src/contracts/settlement.ts';
import type { DispatchTelemetry } from '../src/contracts/telemetry.ts';
import type { Delivery, DeliveryHolder } from '../src/contracts/transport.ts';

/** Where a dispatch belongs: it is told when attempts are over and how the dispatch ended. */
export interface Home {
  /** The first attempts have all ended, or a further one has. */
  slotFreed(dispatch: Dispatch, attempt: number): void;
  /** All of them succeeded, so no delivery actor was needed. */
  succeeded(dispatch: Dispatch): void;
  /** A handler failed, or the settlement is decided already: a delivery actor must see it through. */
  inTrouble(dispatch: Dispatch): void;
  /** The delivery actor saw it through. */
  ended(dispatch: Dispatch, outcome: Outcome): void;
  /** A further attempt is due; the home starts it when it has a free slot. */
  retry(attempt: RetryOrder): void;
  /** The broker has taken it away. */
  lost(dispatch: Dispatch): void;
  /** The broker wants it back: true if nothing of it ran, and it is over now. */
  recall(dispatch: Dispatch): boolean;
}

export type Outcome = 'acked' | 'dead-lettered' | 'dropped' | 'released' | 'abandoned';

/** What a handler's attempt ended with. */
export interface AttemptResult {
  readonly subscription: string;
  readonly attempt: number;
  /** Absent after a success. */
  readonly failure?: { readonly error: unknown; readonly at: number };
}

/** Message to a handler actor: run a further attempt. */
export interface RetryOrder {
  readonly type: 'deliver';
  readonly dispatch: Dispatch;
  readonly attempt: number;
  readonly subscription: string;
  readonly handler: AnyActorRef;
}

const NO_EVENT = Object.freeze({}) as DomainEvent;

/**
 * One event on its way through the handlers of one group in this process. It is the `deliver` message of the first
 * attempts itself: one object for an event and all its handlers, because a message each would double the cost of a
 * delivery. As long as every handler succeeds no actor is spawned for it.
 */
export class Dispatch implements DeliveryHolder {
  /** Lets it be sent as it is; the first attempt's order is the dispatch. */
  readonly type = 'deliver';
  /** Number of the first attempts in this process: above 1 where earlier ones waited at the broker. */
  attempt = 1;
  /** Decoded only when its turn comes. */
  event: DomainEvent;
  readonly headers: Headers;
  /** Undefined for an event of the embedded bus, which no broker delivered. */
  readonly delivery: Delivery | undefined;
  readonly home: Home;
  /** There while somebody traces or measures. */
  readonly telemetry: DispatchTelemetry | undefined;
  /** First attempts that haven't ended. */
  pending = 0;
  /** The delivery actor, once one of them failed. */
  actor: AnyActorRef | undefined = undefined;
  /** Results that came before the actor was there; undefined as long as all is well. */
  early: AttemptResult[] | undefined = undefined;
  /** Its neighbours among the open ones of its home. */
  before: Dispatch | undefined = undefined;
  after: Dispatch | undefined = undefined;
  /** Slots of its home that it holds: one for all first attempts, one for each further attempt. */
  slots = 0;
  /** A settlement decided without running a handler. */
  decided: Settlement | undefined = undefined;
  /** Settled, released or lost: whatever a late handler reports changes nothing. */
  isOver = false;
  #done: (() => void) | undefined = undefined;

  constructor(
    event: DomainEvent,
    headers: Headers,
    delivery: Delivery | undefined,
    home: Home,
    telemetry: DispatchTelemetry | undefined,
  ) {
    this.event = event;
    this.headers = headers;
    this.delivery = delivery;
    this.home = home;
    this.telemetry = telemetry;
  }

  /** What a broker delivered; it is decoded when its turn comes. */
  static of(delivery: Delivery, home: Home, telemetry: DispatchTelemetry | undefined): Dispatch {
    return new Dispatch(NO_EVENT, delivery.message.headers, delivery, home, telemetry);
  }

  get dispatch(): this {
    return this;
  }

  /** Resolves once the dispatch is over. */
  get done(): Promise<void> {
    return this.isOver ? Promise.resolve() : new Promise((resolve) => (this.#done = resolve));
  }

  handlerSucceeded(subscription: string, attempt: number): void {
    if (this.telemetry !== undefined) this.telemetry.attemptSucceeded(subscription);
    if (attempt === this.attempt) this.pending--;
    if (this.early !== undefined && !this.isOver) this.#report({ subscription, attempt });
    this.#attemptEnded(attempt);
  }

  handlerFailed(subscription: string, attempt: number, error: unknown, at: number): void {
    this.telemetry?.attemptFailed(subscription, error);
    if (attempt === this.attempt) this.pending--;
    if (!this.isOver) {
      const isFirst = this.early === undefined;
      if (isFirst) this.early = [];
      this.#report({ subscription, attempt, failure: { error, at } });
      if (isFirst) this.home.inTrouble(this);
    }
    this.#attemptEnded(attempt);
  }

  lost(): void {
    this.home.lost(this);
  }

  recall(): boolean {
    return this.home.recall(this);
  }

  /** It is a dead letter without any handler having run. */
  decide(reason: DeadLetterReason, error?: unknown): void {
    this.decided = { kind: 'dead-letter', reason, failures: [], error };
  }

  over(outcome: Outcome): void {
    this.isOver = true;
    if (this.telemetry !== undefined) this.telemetry.ended(outcome);
    this.#done?.();
  }

  toJSON(): object {
    return { type: this.type, eventType: this.event.eventType, eventId: this.event.eventId };
  }

  #report(result: AttemptResult): void {
    if (this.actor === undefined) this.early?.push(result);
    else this.actor.send({ type: 'handled', ...result });
  }

  #attemptEnded(attempt: number): void {
    if (attempt === this.attempt && this.pending > 0) return;
    this.home.slotFreed(this, attempt);
    if (this.early === undefined && !this.isOver) this.home.succeeded(this);
  }
}
