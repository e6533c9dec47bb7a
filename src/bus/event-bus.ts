import type { DomainEvent } from '../contracts/event.ts';
import type { Stats } from '../contracts/telemetry.ts';
import type { Capabilities, DeadLetterStore } from '../contracts/transport.ts';
import { DeadLetterAdmin, type DeadLetter } from '../dead-letters/admin.ts';
import { BusStoppedError, ConfigurationError, EncodeError } from '../errors.ts';
import type { AnyEventDefinition, EventOf } from '../events/event-definition.ts';
import { sealEvent } from '../events/sealed-event.ts';
import type { InspectionObserver, InspectOptions } from '../observability/inspection.ts';
import { resetStats } from '../observability/stats.ts';
import type { BusActor, BusState, DrainReport } from '../../machines/index.ts';
import type { Link } from './link.ts';
import type {
  BrokerEventBus,
  BusInfo,
  Consumption,
  Handler,
  Health,
  PublishOptions,
  SubscribeOptions,
  Subscriber,
  Subscription,
} from './api.ts';
import { BackgroundTasks } from './background-tasks.ts';
import { busInfo, health } from './health.ts';
import { Lifecycle } from './lifecycle.ts';
import { inspectSetting, type BusSettings } from './options.ts';
import { stateOf, untilAborted } from './states.ts';
import { wire, type Wiring } from './wiring.ts';

/** The public face of every bus: it asks the bus actor, and holds no state of its own. */
export class StatechartEventBus implements BrokerEventBus {
  readonly deadLetters: DeadLetterAdmin;
  readonly capabilities: Capabilities;
  readonly actor: BusActor;
  protected readonly settings: BusSettings;
  protected readonly wiring: Wiring;
  readonly #link: Link;
  readonly #lifecycle: Lifecycle;
  readonly #background: BackgroundTasks;

  protected constructor(settings: BusSettings, link: Link) {
    this.settings = settings;
    this.capabilities = link.capabilities;
    this.#link = link;
    this.wiring = wire(settings, link);
    this.actor = this.wiring.actor;
    this.#lifecycle = new Lifecycle(this.wiring, settings, link);
    this.#background = new BackgroundTasks(this.wiring, settings);
    this.deadLetters = new DeadLetterAdmin(
      () => this.deadLetterStore(),
      settings.consumerGroup,
      link.capabilities,
      settings.clock,
      this.wiring.telemetry,
    );
  }

  connect(options: { readonly signal?: AbortSignal } = {}): Promise<void> {
    return this.#lifecycle.connect(options.signal);
  }

  publish(events: DomainEvent | readonly DomainEvent[], options?: PublishOptions): Promise<void> {
    const { embedded, telemetry } = this.wiring;
    try {
      const state = this.state;
      if (state === 'draining' || state === 'stopped') throw new BusStoppedError(state);
      const isPlain = embedded !== undefined && options === undefined && !Array.isArray(events);
      if (isPlain && telemetry?.isOn !== true)
        return embedded.publishOne(this.actor, this.#sealed(events as DomainEvent));
      const list = Array.isArray(events) ? (events as readonly DomainEvent[]) : [events as DomainEvent];
      return list.length === 0 ? Promise.resolve() : this.#publishList(list, options);
    } catch (error) {
      return Promise.reject(error as Error);
    }
  }

  subscribe<Definition extends AnyEventDefinition>(
    definition: Definition | readonly Definition[],
    handler: Handler<EventOf<Definition>>,
    options?: SubscribeOptions,
  ): Subscription {
    const definitions = Array.isArray(definition) ? (definition as Definition[]) : [definition as Definition];
    this.wiring.telemetry?.look();
    return this.wiring.subscribers.add(definitions, handler as Handler<never>, options);
  }

  subscribeAll<Definition extends AnyEventDefinition>(
    subscriber: Subscriber<Definition>,
    options?: SubscribeOptions,
  ): Subscription {
    if (typeof (subscriber as Partial<Subscriber> | undefined)?.subscribedTo !== 'function')
      throw new ConfigurationError(
        'A subscriber needs a subscribedTo() method that returns event definitions.',
      );
    return this.wiring.subscribers.add(subscriber.subscribedTo(), subscriber as Handler<never>, options);
  }

  subscribeToAllEvents(handler: Handler, options?: SubscribeOptions): Subscription {
    return this.wiring.subscribers.add(undefined, handler as Handler<never>, options);
  }

  unsubscribe(definition: AnyEventDefinition, handler: Handler<never>): boolean {
    return this.wiring.subscribers.removeHandler(definition, handler);
  }

  unsubscribeFromAllEvents(handler: Handler<never>): boolean {
    return this.wiring.subscribers.removeHandler(undefined, handler);
  }

  clearSubscribers(): void {
    this.wiring.subscribers.clear();
  }

  getSubscriberCount(definition?: AnyEventDefinition): number {
    return this.wiring.subscribers.count(definition);
  }

  getWildcardSubscriberCount(): number {
    return this.wiring.subscribers.wildcardCount;
  }

  async startConsuming(options: { readonly signal?: AbortSignal } = {}): Promise<void> {
    const { signal } = options;
    if (signal?.aborted === true) return;
    const consumption = await this.#lifecycle.consume(signal);
    await untilAborted(consumption.done, signal, () => consumption.stop());
  }

  startConsumingInBackground(): Promise<Consumption> {
    return this.#lifecycle.consume();
  }

  stopConsuming(): Promise<DrainReport> {
    return this.#lifecycle.stopConsuming();
  }

  shutdown(options: { readonly timeoutMs?: number } = {}): Promise<DrainReport> {
    return this.#lifecycle.shutdown(options.timeoutMs ?? this.settings.shutdownTimeoutMs);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.shutdown();
  }

  getStats(): Stats {
    return { ...this.wiring.stats };
  }

  resetStats(): void {
    this.wiring.telemetry?.restart();
    resetStats(this.wiring.stats);
  }

  pause(): void {
    this.actor.send({ type: 'pause' });
  }

  resume(): void {
    this.actor.send({ type: 'resume' });
  }

  idle(): Promise<void> {
    return this.wiring.work.idle();
  }

  get state(): BusState {
    return stateOf(this.actor.getSnapshot());
  }

  inspect(observer: InspectionObserver, options: InspectOptions = {}): () => void {
    const { limits } = inspectSetting({ ...options, observer });
    return this.wiring.observations.add(observer, limits);
  }

  waitFor(
    state: BusState | ((state: BusState) => boolean),
    options: { readonly timeoutMs?: number } = {},
  ): Promise<void> {
    const isMeant = typeof state === 'function' ? state : (now: BusState) => now === state;
    return this.#lifecycle.waitFor(
      isMeant,
      typeof state === 'function' ? 'as asked for' : state,
      options.timeoutMs ?? 30_000,
    );
  }

  healthCheck(): Promise<Health> {
    return Promise.resolve(health(this.actor.getSnapshot(), this.wiring.stats));
  }

  getDlqMessages(options: { readonly count?: number } = {}): Promise<DeadLetter[]> {
    return this.deadLetters.list({ limit: options.count ?? 100 });
  }

  replayDlqMessage(id: string): Promise<boolean> {
    return this.deadLetters.replay(id);
  }

  async getInfo(): Promise<BusInfo> {
    const { connection } = this.actor.getSnapshot().context;
    const details = await connection?.info(this.settings.consumerGroup);
    return busInfo(this.actor.getSnapshot(), this.#link.destination, details);
  }

  /** Where the dead letters are, connecting first if need be. */
  protected async deadLetterStore(): Promise<DeadLetterStore> {
    return (await this.#lifecycle.connection()).deadLetters;
  }

  #publishList(list: readonly DomainEvent[], options: PublishOptions = {}): Promise<void> {
    const { embedded, outgoing } = this.wiring;
    const { background = false, signal } = options;
    signal?.throwIfAborted();
    const sealed = list.map((event) => this.#sealed(event));
    if (embedded !== undefined) {
      const publish = outgoing.prepare(sealed, background);
      if (background) return this.#background.run(publish, sealed.length);
      return untilAborted(publish(), signal);
    }
    const send = outgoing.prepare(sealed, false);
    this.#lifecycle.connectIfIdle();
    const published = send();
    return background ? this.#background.watch(published) : untilAborted(published, signal);
  }

  #sealed(event: DomainEvent): DomainEvent {
    if (typeof (event as Partial<DomainEvent> | null | undefined)?.eventType !== 'string')
      throw new EncodeError('What is published must be an event: build it by its definition.', '');
    return sealEvent(event, this.settings.registry);
  }
}
