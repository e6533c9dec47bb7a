import type { DomainEvent } from './event.ts';
import type { Headers } from './message.ts';

/** What a handler is told beside the event, and what it may do while it runs. */
export interface HandlerContext {
  /**
   * Publishes what follows from the event: sets causation and correlation. Works while the bus drains, until the
   * handler ends. Settles when accepted, not when handled, so it can't deadlock.
   */
  publish(events: DomainEvent | readonly DomainEvent[]): Promise<void>;
  /** From 1; counts this handler's runs for this delivery in this process. */
  readonly attempt: number;
  /** How often the broker handed the message to the group; absent where it keeps no count. */
  readonly deliveryCount: number | undefined;
  /** Aborts when the attempt is timed out, its delivery lost, or the shutdown's time is up. */
  readonly signal: AbortSignal;
  readonly headers: Headers;
  readonly group: string;
  /** Name of the subscription. */
  readonly subscription: string;
}

/** A user's handler as the machines call it. */
export type HandlerFunction = (event: DomainEvent, context: HandlerContext) => unknown;
