import type { DomainEvent } from '../src/contracts/event.ts';
import type { HandlerContext, HandlerFunction } from '../src/contracts/handler.ts';
import type { Headers } from '../src/contracts/message.ts';
import type { Dispatch } from './dispatch.ts';

/** What is the same for every attempt of one handler. */
export interface HandlerSettings {
  readonly subscription: string;
  readonly group: string;
  readonly handle: HandlerFunction;
  readonly publish: (
    events: DomainEvent | readonly DomainEvent[],
    cause: DomainEvent,
    attempt: Attempt,
  ) => Promise<void>;
}

/**
 * One run of one handler, and the context that the handler is given: one object for both, with what is rarely asked
 * for made on demand, because it is made for every delivery.
 */
export class Attempt implements HandlerContext {
  readonly settings: HandlerSettings;
  readonly dispatch: Dispatch;
  readonly attempt: number;
  /** Its neighbours among the running ones. */
  before: Attempt | undefined = undefined;
  after: Attempt | undefined = undefined;
  /** The sweep during which it started; see {@link RunningAttempts}. */
  startedAt = 0;
  /** Its time is up; it is waited for until its grace time is, too. */
  isExpired = false;
  /** Returned or written off: what the call does from here on changes nothing. */
  isOver = false;
  #controller: AbortController | undefined = undefined;

  constructor(settings: HandlerSettings, dispatch: Dispatch, attempt: number) {
    this.settings = settings;
    this.dispatch = dispatch;
    this.attempt = attempt;
  }

  // A getter, so that a handler may take `publish` out of its context.
  get publish(): HandlerContext['publish'] {
    return (events) => this.settings.publish(events, this.dispatch.event, this);
  }

  get deliveryCount(): number | undefined {
    return this.dispatch.delivery?.deliveryCount;
  }

  get signal(): AbortSignal {
    return (this.#controller ??= new AbortController()).signal;
  }

  get headers(): Headers {
    return this.dispatch.headers;
  }

  get group(): string {
    return this.settings.group;
  }

  get subscription(): string {
    return this.settings.subscription;
  }

  abort(reason: Error): void {
    // Made even if nobody has asked for the signal yet: a handler may look at it after its next await.
    (this.#controller ??= new AbortController()).abort(reason);
  }

  toJSON(): object {
    return { subscription: this.subscription, attempt: this.attempt, eventId: this.dispatch.event.eventId };
  }
}
