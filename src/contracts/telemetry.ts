import type { DomainEvent } from './event.ts';
import type { Headers } from './message.ts';
import type { AttemptDecision } from './settlement.ts';
import type { Delivery } from './transport.ts';

/** Plain running numbers of one bus since its start or the last reset; one meaning on every bus. */
export interface Stats {
  /** Confirmed by the broker; in memory: handed to the handlers. */
  eventsPublished: number;
  /** Of those published with `onUnroutable: 'warn'`: nothing was bound to their route, so nobody gets them. */
  eventsUnroutable: number;
  /** Deliveries whose handlers were started. */
  eventsConsumed: number;
  /** Deliveries nobody here knows or wants. */
  eventsIgnored: number;
  /** Attempts that succeeded. */
  handlersInvoked: number;
  /** Attempts that failed. */
  handlerErrors: number;
  /** Further attempts begun. */
  retries: number;
  /** Deliveries stored as dead letters. */
  deadLettered: number;
  /**
   * Lost to their handlers: deliveries that failed with `enableDlq: false`, handlers that `classify` let go of or that
   * were unsubscribed while they failed, and dead letters pushed out by newer ones.
   */
  dropped: number;
  /** Deliveries given back to the broker. */
  released: number;
  /** Deliveries lost to another consumer before they were settled. */
  abandoned: number;
  /** Attempts that ignored their abort signal for the whole grace time, and were written off. */
  zombieHandlers: number;
  backgroundTasksCreated: number;
  backgroundTasksCompleted: number;
  reconnections: number;
  /** Deliveries begun and not settled; a gauge, not reset. */
  inFlight: number;
}

/** Follows what a bus is delivered, while anybody listens. No method of it or of what it makes throws by itself. */
export interface DeliveryTelemetry {
  /** Undefined while nobody traces or measures. */
  arrived(delivery: Delivery): DispatchTelemetry | undefined;
}

/** Follows one dispatch. */
export interface DispatchTelemetry {
  /** So many handlers are going to get it. */
  started(event: DomainEvent, handlers: number): void;
  /** Runs one attempt with its span active; returns, or throws, what `call` does. */
  run(subscription: string, attempt: number, call: () => unknown): unknown;
  attemptSucceeded(subscription: string): void;
  attemptFailed(subscription: string, error: unknown): void;
  /** What follows for the handler that failed. */
  decided(subscription: string, attempt: number, error: unknown, decision: AttemptDecision): void;
  /** It goes to the dead letters, or is dropped where there are none. */
  failed(reason: string, error: unknown): void;
  /** How it ended; nothing is asked afterwards. */
  ended(outcome: string): void;
}

/** Follows one call of publish. */
export interface PublishTelemetry {
  /** What goes beside the event with this index, so that its trace goes on where it is delivered. */
  headers(at: number): Headers | undefined;
  /** For the event with this index, on a bus that delivers it itself. */
  dispatch(at: number): DispatchTelemetry | undefined;
  /** Ends with the promise, which it returns. */
  follow(published: Promise<void>): Promise<void>;
  /** It came to nothing before anything was sent. */
  refused(error: unknown): void;
}
