import type { AnyActorRef } from 'xstate';
import type { Stats } from '../src/contracts/telemetry.ts';
import type { Dispatch, Outcome, RetryOrder } from './dispatch.ts';
import { noCounts, noteOutcome, type Flow, type FlowListener } from './flow.ts';
import { relay, type Inspection } from './internals.ts';
import { TARGETS, targeted, type Routes } from './routes.ts';
import { Slots, startRetry } from './slots.ts';
import type { Work } from './work.ts';

export interface EmbeddedFlowSettings {
  /** Further attempts running at once; first attempts start with their publish, however many there are. */
  readonly concurrency: number;
  readonly routes: Routes;
  readonly onUnwanted: 'ack' | 'dead-letter';
  readonly unwanted: (dispatch: Dispatch) => void;
  readonly stats: Stats;
  readonly work: Work;
  readonly inspection: Pick<Inspection, 'isOn'>;
}

/** Brings events that never leave the process straight from `publish` to the handlers. */
export class EmbeddedFlow implements Flow {
  readonly counts = noCounts();
  readonly blockingKeys = [];
  readonly pulled = 0;
  readonly oldest = undefined;
  open = 0;
  window = Infinity;
  readonly #settings: EmbeddedFlowSettings;
  readonly #slots: Slots;
  #deliveries: AnyActorRef | undefined = undefined;
  #consumer: AnyActorRef | undefined = undefined;
  #listener: FlowListener | undefined = undefined;
  /** From then on somebody waits for the end of what is open; before it, telling would cost every publish. */
  #isDraining = false;
  /** Accepted and not begun. */
  #unbegun = 0;
  /** What waits for the end of a pause; undefined while there is none. */
  #locked: (() => void)[] | undefined = undefined;

  constructor(settings: EmbeddedFlowSettings) {
    this.#settings = settings;
    this.#slots = new Slots(settings.concurrency);
  }

  attach(consumer: AnyActorRef, deliveries: AnyActorRef): void {
    this.#consumer = consumer;
    this.#deliveries = deliveries;
  }

  get isWanted(): boolean {
    return !this.#settings.routes.isEmpty;
  }

  listen(listener: FlowListener): void {
    this.#listener = listener;
  }

  get isIdle(): boolean {
    return this.open === 0 && this.#unbegun === 0;
  }

  /** Hands the event to its handlers, in registration order, before it returns. */
  start(dispatch: Dispatch, sender: AnyActorRef): void {
    if (this.#locked !== undefined) {
      this.#unbegun++;
      this.#locked.push(() => this.start(dispatch, sender));
      return;
    }
    const { stats, routes } = this.#settings;
    const wanted = targeted(routes.of(dispatch.event.eventType), dispatch.headers);
    stats.eventsPublished++;
    this.open++;
    stats.inFlight++;
    if (wanted.length === 0) {
      this.#refuse(dispatch);
      return;
    }
    stats.eventsConsumed++;
    dispatch.pending = wanted.length;
    if (dispatch.telemetry !== undefined) dispatch.telemetry.started(dispatch.event, wanted.length);
    const { isOn: isInspected } = this.#settings.inspection;
    for (let at = 0; at < wanted.length; at++) {
      const { flow, handler } = wanted[at] as (typeof wanted)[number];
      // A mailbox is a third of what a delivery costs, and nobody sees it.
      if (flow?.isAtRest === true && !isInspected) flow.run(dispatch);
      else relay(sender, handler, dispatch);
    }
  }

  /** So much is accepted and still has to begin: a drain waits for it until {@link end}. */
  begin(count: number): void {
    this.#unbegun += count;
  }

  end(count: number): void {
    this.#unbegun -= count;
    this.#tellIdle();
  }

  lock(): void {
    this.#locked ??= [];
  }

  unlock(): void {
    const starts = this.#locked ?? [];
    this.#locked = undefined;
    for (const start of starts) start();
    this.end(starts.length);
  }

  /** Its handlers know what runs, and are told themselves. */
  abandonAll(): void {}

  /** Nothing is ever pulled, so no broker takes anything away. */
  hold(): void {}
  lost(): void {}
  recall(): boolean {
    return false;
  }

  startReady(): void {
    while (this.#slots.hasFree) {
      const retry = this.#slots.retries.shift();
      if (retry === undefined) return;
      startRetry(this.#slots, retry);
    }
  }

  /** What was accepted has begun, so it ends; attempts that waited are due now. */
  drain(): void {
    this.#isDraining = true;
    this.unlock();
    this.startReady();
  }

  retry(order: RetryOrder): void {
    this.#settings.stats.retries++;
    this.#slots.retries.push(order);
    this.#listener?.ready();
  }

  slotFreed(dispatch: Dispatch, attempt: number): void {
    if (attempt === dispatch.attempt) return;
    this.#slots.free(dispatch);
    if (this.#slots.retries.length > 0) this.#listener?.ready();
  }

  succeeded(dispatch: Dispatch): void {
    this.ended(dispatch, 'acked');
  }

  inTrouble(dispatch: Dispatch): void {
    relay(this.#consumer, this.#deliveries as AnyActorRef, { type: 'delivery.troubled', dispatch });
  }

  ended(dispatch: Dispatch, outcome: Outcome): void {
    if (dispatch.isOver) return;
    const { stats, work } = this.#settings;
    noteOutcome(outcome, this.counts, stats);
    stats.inFlight--;
    dispatch.over(outcome);
    work.end();
    this.open--;
    this.#tellIdle();
  }

  toJSON(): object {
    return { open: this.open, running: this.#slots.used };
  }

  #tellIdle(): void {
    if (this.#isDraining && this.isIdle) this.#listener?.idle();
  }

  #refuse(dispatch: Dispatch): void {
    const { stats, unwanted, onUnwanted } = this.#settings;
    const isReplay = dispatch.headers[TARGETS] !== undefined;
    if (!isReplay) {
      stats.eventsIgnored++;
      unwanted(dispatch);
      if (onUnwanted === 'ack') {
        this.ended(dispatch, 'acked');
        return;
      }
    }
    dispatch.decide(isReplay ? 'no-such-handler' : 'unwanted');
    this.inTrouble(dispatch);
  }
}
