import type { AnyActorRef, InspectionEvent } from 'xstate';
import type { Logger } from '../contracts/logger.ts';
import { childrenOf, HOT, type Watcher } from '../../machines/internals.ts';
import { Budget } from './budget.ts';
import { guardedCall } from './guarded-call.ts';
import type { InspectionObserver, Limits } from './inspection.ts';
import { Showing } from './shown-actor.ts';

/** Of the time that passes, the observer may take this much before hot messages are left out. */
const TIME_SHARE = 0.1;
const MOST_TIME_MS = 250;
/** Told in one turn of the event loop, or answered by a promise that is pending: it can't have kept up with more. */
const MOST_BEHIND = 10_000;

export interface ObservationSettings {
  readonly observer: InspectionObserver;
  readonly limits: Limits;
  readonly logger: Logger;
  /** Told when it may want to see something else from now on, or nothing at all. */
  readonly changed: () => void;
  /** Told when it has spent what time gives back. */
  readonly spent: () => void;
}

/**
 * One observer of a bus. An exception in it would leave the very `send` it observes, and break the bus: after its first
 * one it is told of nothing more. Of hot messages it sees so many a second, and none while it is slow.
 */
export class Observation implements Watcher {
  readonly #settings: ObservationSettings;
  readonly #next: (event: InspectionEvent) => unknown;
  readonly #showing: Showing;
  readonly #budgets: ReadonlyMap<string, Budget>;
  /** The last of each kind that was shown: what follows from it is shown, too. */
  readonly #shown = new Map<string, unknown>();
  /** Ended, or it has thrown. */
  isOver = false;
  #timeLeftMs = MOST_TIME_MS;
  #pending = 0;
  #toldThisTurn = 0;
  #isSlow = false;

  constructor(settings: ObservationSettings) {
    const { observer, limits } = settings;
    this.#settings = settings;
    this.#next = typeof observer === 'function' ? observer : (event) => observer.next?.(event);
    this.#showing = new Showing(limits.payloads);
    this.#budgets = new Map(HOT.map((message) => [message, new Budget(limits.eventsPerSecond)]));
  }

  wants(message: string): boolean {
    return !this.isOver && !this.#isBehind && this.#budgets.get(message)?.hasSome === true;
  }

  /** Nothing has been spent that time would give back. */
  get isRested(): boolean {
    if (this.#timeLeftMs < MOST_TIME_MS) return this.isOver;
    for (const budget of this.#budgets.values()) if (!budget.isFull) return this.isOver;
    return true;
  }

  rest(elapsedMs: number): void {
    for (const budget of this.#budgets.values()) budget.refill(elapsedMs);
    this.#timeLeftMs = Math.min(MOST_TIME_MS, this.#timeLeftMs + elapsedMs * TIME_SHARE);
  }

  tell(event: InspectionEvent, hot?: string): void {
    if (this.isOver) return;
    if (hot === undefined || this.#mayShow(hot, event)) this.#show(() => this.#showing.event(event));
  }

  /** Tells of the actors that are there already, parents first. */
  replay(root: AnyActorRef): void {
    const tell = (actor: AnyActorRef): void => {
      for (const event of this.#showing.existing(actor, root.sessionId)) this.#show(() => event);
      for (const child of childrenOf(actor.getSnapshot())) tell(child);
    };
    tell(root);
  }

  #mayShow(message: string, event: InspectionEvent): boolean {
    const subject = (event as { event?: unknown }).event;
    if (event.type !== '@xstate.event') return this.#shown.get(message) === subject || subject === undefined;
    if (!this.wants(message)) {
      this.#settings.changed();
      return false;
    }
    this.#budgets.get(message)?.take();
    this.#shown.set(message, subject);
    return true;
  }

  #show(make: () => InspectionEvent): void {
    if (this.isOver) return;
    if (this.#toldThisTurn++ === 0) setImmediate(() => this.#turned()).unref();
    const start = performance.now();
    guardedCall(
      () => {
        const result = this.#next(make());
        if (result instanceof Promise) this.#await(result);
        return result;
      },
      (error) => {
        // It may reject once for each of those that it was told of before its first rejection was seen.
        if (this.isOver) return;
        this.isOver = true;
        this.#settings.changed();
        this.#settings.logger.error(
          { err: error },
          'The inspection observer threw and is told of nothing more.',
        );
      },
    );
    this.#timeLeftMs -= performance.now() - start;
    if (this.#isBehind) this.#fallBehind();
    else this.#settings.spent();
  }

  get #isBehind(): boolean {
    return this.#timeLeftMs <= 0 || this.#pending + this.#toldThisTurn >= MOST_BEHIND;
  }

  #fallBehind(): void {
    this.#settings.changed();
    if (this.#isSlow) return;
    this.#isSlow = true;
    // No warning: a machine that is busy with other things makes every observer slow for a moment.
    this.#settings.logger.info(
      {},
      'An inspection observer does not keep up; publishes and deliveries are left out while it is behind.',
    );
  }

  #await(result: Promise<unknown>): void {
    this.#pending++;
    const over = (): void => {
      if (this.#pending-- === MOST_BEHIND) this.#settings.changed();
    };
    result.then(over, over);
  }

  #turned(): void {
    const wasBehind = this.#isBehind;
    this.#toldThisTurn = 0;
    if (wasBehind) this.#settings.changed();
  }
}
