import type { AnyActorRef } from 'xstate';
import type { Clock } from '../src/contracts/clock.ts';
import type { DomainEvent } from '../src/contracts/event.ts';
import type { Message } from '../src/contracts/message.ts';
import type { DeliveryTelemetry, Stats } from '../src/contracts/telemetry.ts';
import type { Delivery } from '../src/contracts/transport.ts';
import type { Home, Outcome } from './dispatch.ts';
import type { Inspection } from './internals.ts';
import type { Routes } from './routes.ts';
import type { Work } from './work.ts';

/** The data plane of a consumer actor, as its machine sees it. */
export interface Flow extends Home {
  /** Deliveries pulled and not over. */
  readonly open: number;
  /** Nothing is open, and nothing that was accepted still has to begin. */
  readonly isIdle: boolean;
  readonly counts: FlowCounts;
  /** Whether anybody has subscribed. */
  readonly isWanted: boolean;
  /** Deliveries pulled since the start. */
  readonly pulled: number;
  /** The consumer that sends, and the supervisor that sees troubled deliveries through. */
  attach(consumer: AnyActorRef, deliveries: AnyActorRef): void;
  /** Most deliveries that the source pulls before one is settled. */
  window: number;
  /** Takes what the source has pulled, and starts nothing. */
  hold(batch: readonly Delivery[]): void;
  /** Starts what may start, as far as slots are free. */
  startReady(): void;
  /** Gives back all that hasn't started; where nobody else could take it, starts it. */
  drain(): void;
  /** Cuts off all that is open: signals abort, and no settlement follows. */
  abandonAll(): void;
  /** Begins nothing until {@link unlock}; told by the consumer's state. */
  lock(): void;
  unlock(): void;
  /** Told when something can start, when nothing is open any more, and when lanes block the window. */
  listen(listener: FlowListener): void;
  /** The delivery that has been pulled and unsettled for longest. */
  readonly oldest: Delivery | undefined;
  /** Keys of the lanes that fill the window, so that nothing can move until one of them is done. */
  readonly blockingKeys: readonly string[];
}

export interface FlowListener {
  readonly ready: () => void;
  readonly idle: () => void;
  readonly blocked: (isBlocked: boolean) => void;
}

/** Running numbers since the start, for the drain report. */
export type FlowCounts = Record<Outcome, number>;

export const noCounts = (): FlowCounts => ({
  acked: 0,
  'dead-lettered': 0,
  dropped: 0,
  released: 0,
  abandoned: 0,
});

/** Counts how a delivery ended, for the drain report and for the statistics. */
export function noteOutcome(outcome: Outcome, counts: FlowCounts, stats: Stats): void {
  counts[outcome]++;
  if (outcome === 'dead-lettered') stats.deadLettered++;
  else if (outcome !== 'acked') stats[outcome]++;
}

export interface LaneFlowSettings {
  readonly ordering: 'key' | 'none';
  /** Deliveries running at once. */
  readonly concurrency: number;
  /** @see QuarantineSettings */
  readonly maxDeliveries: number;
  readonly clock: Clock;
  /** False where nobody else could take what is given back. */
  readonly canRelease: boolean;
  readonly onUnwanted: 'ack' | 'dead-letter';
  readonly routes: Routes;
  readonly inspection: Pick<Inspection, 'isOn'>;
  /** @throws when the message isn't an event that is known here. */
  readonly decode: (message: Message) => DomainEvent;
  /** Whether this process has a definition of the type. */
  readonly isKnown: (type: string) => boolean;
  /** Told of every delivery that nobody here wants. */
  readonly unwanted: (message: Message) => void;
  readonly stats: Stats;
  readonly telemetry: DeliveryTelemetry | undefined;
  readonly work: Work;
  readonly abandonError: () => Error;
}
