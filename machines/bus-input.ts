import { fromPromise, type AnyActorRef } from 'xstate';
import type { Connection, Transport } from '../src/contracts/transport.ts';
import type { TransportNotice } from '../src/contracts/transport-notice.ts';
import type { ConnectFailure } from './connection.ts';
import type { ConsumerInput, DrainCounts } from './consumption.ts';
import type { SubscriptionInput } from './subscription.ts';

/** Takes in what is published and brings it to the broker, or, on the embedded bus, to the handlers. */
export interface Publisher {
  accept(request: object, bus: AnyActorRef): void;
  /** The bus takes nothing more, because of `cause` if it has failed. */
  refuse(request: object, cause: unknown): void;
  connectionOpened(connection: Connection): void;
  connectionLost(): void;
  /** Resolves once everything accepted has settled. */
  drained(): Promise<void>;
  /** Gives up what hasn't been confirmed, because of `cause`; returns how many events that were. */
  abort(cause: unknown): number;
}

/** What became of everything by the time the bus had stopped. */
export interface DrainReport extends DrainCounts {
  /** Events that were accepted and never confirmed. */
  readonly unpublished: number;
  /**
   * The time was up before all had ended. If the broker was away, what is settled here may not be stored there: that comes
   * again.
   */
  readonly timedOut: boolean;
}

export interface BusInput {
  /** Undefined on the embedded bus. */
  readonly transport: Transport | undefined;
  readonly connectTimeoutMs: number;
  readonly random: () => number;
  readonly publisher: Publisher;
  /** What a consumer that starts now works with. */
  readonly consumer: () => Omit<ConsumerInput, 'connection'>;
  /** Builds the reason that the signals of cut-off handlers abort with. */
  readonly abortError: () => Error;
  /** Told of every attempt to connect that failed, while opening and while opening again. */
  readonly connectFailed: (failure: ConnectFailure) => void;
  /** Told of every loss of the connection, of its end, and of what ended the bus for good. */
  readonly lost: (error: unknown) => void;
  readonly reconnected: () => void;
  /** Told when consuming has ended though nobody asked for it. */
  readonly consumerEnded: (error: unknown) => void;
  /** What the broker tells of beside all that. */
  readonly notice: (notice: TransportNotice) => void;
  readonly failed: (error: unknown) => void;
}

export interface BusContext extends BusInput {
  readonly connection: Connection | undefined;
  /** Guards see no children. */
  readonly hasConnectionActor: boolean;
  readonly hasConsumer: boolean;
  /** Whether the consumer pulls, as last told. */
  readonly isConsumerReady: boolean;
  /** A consumer that starts now starts paused. */
  readonly isPaused: boolean;
  readonly drainTimeoutMs: number;
  readonly report: DrainReport;
  /** Why the last consumer ended by itself; undefined when it was asked to. */
  readonly refusal: unknown;
  /** Why it failed or was last disconnected. */
  readonly error: unknown;
}

export type BusEvent =
  | { readonly type: 'connect' }
  | { readonly type: 'consume' }
  | { readonly type: 'stopConsuming'; readonly timeoutMs: number }
  | {
      readonly type: 'subscribe';
      readonly id: string;
      readonly input: Omit<SubscriptionInput, 'isConsumerReady'>;
    }
  | { readonly type: 'unsubscribe'; readonly id: string; readonly subscription: string }
  | { readonly type: 'subscriptions.changed' }
  | { readonly type: 'publish'; readonly request: object; readonly isAccepted: boolean }
  | { readonly type: 'pause' }
  | { readonly type: 'resume' }
  | { readonly type: 'shutdown'; readonly timeoutMs: number }
  | { readonly type: 'connection.opened'; readonly connection: Connection }
  | { readonly type: 'connection.lost'; readonly error: Error | undefined }
  | { readonly type: 'connection.refused'; readonly error: unknown }
  | { readonly type: 'connection.timedOut'; readonly error: unknown }
  | { readonly type: 'consumer.consuming' }
  | { readonly type: 'consumer.interrupted' }
  | {
      readonly type: 'consumer.stopped';
      readonly counts: DrainCounts;
      /** Its time was up. */
      readonly timedOut: boolean;
      readonly error?: unknown;
    }
  | { readonly type: 'connection.blocked' }
  | { readonly type: 'connection.unblocked' }
  | { readonly type: 'deadLetters.begun' }
  | { readonly type: 'deadLetters.over' };

export const NOTHING_DRAINED: DrainReport = {
  settled: 0,
  released: 0,
  aborted: 0,
  unpublished: 0,
  timedOut: false,
};

export const awaitPublished = fromPromise<void, BusContext>(({ input }) => input.publisher.drained());

/** Child ids of subscriptions, so that they can all be told at once. */
export const SUBSCRIPTION = 'subscription.';
