import type { DeadLetterAdmin, DeadLetter } from '../dead-letters/admin.ts';
import type { DomainEvent } from '../contracts/event.ts';
import type { HandlerContext } from '../contracts/handler.ts';
import type { RetryPolicy } from '../contracts/settlement.ts';
import type { Stats } from '../contracts/telemetry.ts';
import type { Capabilities, ConnectionInfo } from '../contracts/transport.ts';
import type { AnyEventDefinition, EventOf } from '../events/event-definition.ts';
import type { BusActor, BusState, DrainReport, SubscriptionActor } from '../../machines/index.ts';
import type { InspectionObserver, InspectOptions } from '../observability/inspection.ts';

/** A handler object; `handle` is preferred when the object is callable too. */
export interface HandlerObject<Event extends DomainEvent = DomainEvent> {
  handle(event: Event, context: HandlerContext): unknown;
}

/** Sync or async: anything thenable that it returns is awaited. Throwing, or rejecting, fails the attempt. */
export type Handler<Event extends DomainEvent = DomainEvent> =
  ((event: Event, context: HandlerContext) => unknown) | HandlerObject<Event>;

/** A handler that says itself which events it wants, such as a projection. */
export interface Subscriber<Definition extends AnyEventDefinition = AnyEventDefinition> {
  subscribedTo(): readonly Definition[];
  handle(event: EventOf<Definition>, context: HandlerContext): unknown;
}

export interface SubscribeOptions {
  /** Unique in the bus, and stable between deployments: a replay addresses it. Default: class or function name, else
   * the event types; a second one of a name gets `#2` and a warning. */
  readonly name?: string;
  /** Unsubscribes when it aborts. */
  readonly signal?: AbortSignal;
  /** Milliseconds one attempt may take before its signal aborts and it counts as failed (300,000; 0 for no limit).
   * Found out up to an eighth late. */
  readonly timeoutMs?: number;
  /** Overrides the bus's policy, field by field. */
  readonly retry?: Partial<RetryPolicy>;
}

/** One subscribe() call. */
export interface Subscription extends Disposable {
  readonly name: string;
  /** Settles when the broker routes its events here; at once where nothing has to be bound. */
  readonly ready: Promise<void>;
  /** Running attempts finish; waiting retries of this handler are cancelled. Idempotent. */
  unsubscribe(): void;
  /** Its handler isn't called until `resume`; what is delivered waits and counts as in flight. */
  pause(): void;
  resume(): void;
  readonly actor: SubscriptionActor;
}

/** A consumer that runs in the background. */
export interface Consumption extends AsyncDisposable {
  /** Settles when consuming has ended; rejects if it failed for good. */
  readonly done: Promise<void>;
  /** @see EventBus.stopConsuming */
  stop(): Promise<DrainReport>;
}

export interface PublishOptions {
  /** Returns at once; failures are logged and counted. Bounded by `maxBackgroundTasks`: beyond it, waits (false). */
  readonly background?: boolean;
  /** Stops waiting; what was sent is not recalled. */
  readonly signal?: AbortSignal;
}

/** What a bus says about itself. */
export interface BusInfo extends ConnectionInfo {
  readonly connected: boolean;
  readonly state: BusState;
  /** Stream, exchange or topic that events go to. */
  readonly destination: string;
  /** Keys whose waiting deliveries fill the window, so that nothing moves; empty as long as all is well. */
  readonly blockingKeys: readonly string[];
}

/**
 * What is the matter with a bus: `idle`, nobody has asked it to connect; `connecting`, also again, and while its consumer
 * doesn't read yet; `blocked`, the broker takes nothing that is published; `stalled`, its consumer got nothing although
 * there was lag, and has begun anew; `refused`, consuming has ended for good, such as for a right or a queue that is
 * missing, and only `startConsuming()` begins it again; `degraded`, it works, and somebody should look; `paused`, by
 * `pause()`, which alone leaves it healthy and ready.
 */
export type HealthCondition =
  | 'idle'
  | 'connecting'
  | 'blocked'
  | 'stalled'
  | 'refused'
  | 'degraded'
  | 'paused'
  | 'draining'
  | 'stopped'
  | 'failed';

/** Whether the bus does what it should. */
export interface Health {
  readonly status: 'healthy' | 'degraded' | 'unhealthy';
  readonly state: BusState;
  /** False when only a new process can help: the bus has failed or stopped. */
  readonly live: boolean;
  /** It takes what is published, and its consumer, if it has one, reads. */
  readonly ready: boolean;
  /** One for each of `reasons`, in their order. */
  readonly conditions: readonly HealthCondition[];
  /** Why it isn't healthy, or is paused, in words; empty when all is well. */
  readonly reasons: readonly string[];
}

/** What every bus does. Methods that don't say otherwise never throw. */
export interface EventBus extends AsyncDisposable {
  /**
   * Resolves once connected; idempotent. Publishing and consuming connect by themselves. Retries for
   * `connectTimeoutMs` the first time; later losses are repaired without a limit.
   * @throws {ConnectionError} when the broker wasn't reached in that time, or refuses the credentials.
   * @throws {ConfigurationError} when the broker can't do what the options ask for.
   * @throws {BusStoppedError} after shutdown.
   */
  connect(options?: { readonly signal?: AbortSignal }): Promise<void>;
  /**
   * On a broker: resolves once all are stored and routed. In memory: once every handler has ended, whichever way.
   * Never rejects because of a handler.
   * @throws {EncodeError} before anything is sent, when one can't be put on the wire.
   * @throws {PublishError} when the broker didn't confirm all in `publishTimeoutMs`, or the queue is full.
   * @throws {BusStoppedError} when the bus drains or has stopped.
   */
  publish(events: DomainEvent | readonly DomainEvent[], options?: PublishOptions): Promise<void>;
  /**
   * Before or after connecting. Handlers of an event start in the order of their registration.
   * @throws {ConfigurationError} when the handler or an option is wrong.
   * @throws {BusStoppedError} after shutdown.
   */
  subscribe<Definition extends AnyEventDefinition>(
    definition: Definition | readonly Definition[],
    handler: Handler<EventOf<Definition>>,
    options?: SubscribeOptions,
  ): Subscription;
  /** One subscription for all types that `subscribedTo()` names, asked once. */
  subscribeAll<Definition extends AnyEventDefinition>(
    subscriber: Subscriber<Definition>,
    options?: SubscribeOptions,
  ): Subscription;
  /** Every type, after the handlers of that type. */
  subscribeToAllEvents(handler: Handler, options?: SubscribeOptions): Subscription;
  /** Removes the first subscription of this very handler; false when there is none. */
  unsubscribe(definition: AnyEventDefinition, handler: Handler<never>): boolean;
  unsubscribeFromAllEvents(handler: Handler<never>): boolean;
  clearSubscribers(): void;
  /** Wildcard subscriptions not counted. */
  getSubscriberCount(definition?: AnyEventDefinition): number;
  getWildcardSubscriberCount(): number;
  /**
   * Settles when consuming has ended, by `stopConsuming`, shutdown or the signal.
   * @throws {ConfigurationError} at once, without a `consumerGroup` or when it consumes already; and when the broker has
   *   a queue or topic of that name otherwise than the options say.
   * @throws {ConnectionError} when it failed for good.
   */
  startConsuming(options?: { readonly signal?: AbortSignal }): Promise<void>;
  /** Resolves once the consumer is `consuming`. Throws what `startConsuming` does. */
  startConsumingInBackground(): Promise<Consumption>;
  /** Lets what runs end, gives back what waits, leaves the group; stays connected. Bounded by `shutdownTimeoutMs`. */
  stopConsuming(): Promise<DrainReport>;
  /**
   * Drains and stops for good. Idempotent: every call gets the first one's report.
   * @param options.timeoutMs what still runs after that is aborted (30,000).
   */
  shutdown(options?: { readonly timeoutMs?: number }): Promise<DrainReport>;
  /** A copy. */
  getStats(): Stats;
  resetStats(): void;
  /** Starts no further delivery until `resume`; what runs goes on. */
  pause(): void;
  resume(): void;
  /** Settles once nothing runs, waits or is queued in this bus. */
  idle(): Promise<void>;
  readonly actor: BusActor;
  readonly state: BusState;
  readonly capabilities: Capabilities;
  /**
   * Shows the observer the actors there are, and from then on what happens to them: {@link InspectOptions} says how much.
   * It gets copies without code, connections and, by default, payloads. One that throws is told of no more and breaks
   * nothing; to a slow one fewer publishes and deliveries are shown. Returns a function that ends it.
   * @throws {ConfigurationError} when the observer or an option is wrong.
   */
  inspect(observer: InspectionObserver, options?: InspectOptions): () => void;
  /** Rejects with an Error naming the state it is in when `timeoutMs` (30,000) passes, or when it can't come any more. */
  waitFor(
    state: BusState | ((state: BusState) => boolean),
    options?: { readonly timeoutMs?: number },
  ): Promise<void>;
  healthCheck(): Promise<Health>;
}

/** What a bus with dead letters and groups does: every one here, the in-memory bus too. */
export interface BrokerEventBus extends EventBus {
  readonly deadLetters: DeadLetterAdmin;
  /** The first `count` (100) dead letters of this group: `deadLetters.list`. */
  getDlqMessages(options?: { readonly count?: number }): Promise<DeadLetter[]>;
  /** `deadLetters.replay`. */
  replayDlqMessage(id: string): Promise<boolean>;
  /**
   * Numbers are zero while it isn't connected.
   * @throws {ConnectionError} when the connection is lost while the broker is asked.
   */
  getInfo(): Promise<BusInfo>;
}
