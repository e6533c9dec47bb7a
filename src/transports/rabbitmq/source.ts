import type { Channel, ConsumeMessage } from 'amqplib';
import type { Headers } from '../../contracts/message.ts';
import type { Delivery, Interest, Source, SourceOptions } from '../../contracts/transport.ts';
import { ConnectionError } from '../../errors.ts';
import { Acknowledgements, guarded } from './acknowledgements.ts';
import { Bindings } from './bindings.ts';
import { closeChannel } from './close-channel.ts';
import { RabbitDelivery, type DeliveryOwner } from './delivery.ts';
import { QueueConsumers } from './queue-consumers.ts';
import { asError, connectionError, deliveryTimeout, isDeliveryTimeout } from './server-errors.ts';
import type { SourceHost } from './source-host.ts';
import type { Binding } from './topology.ts';

/** One consumer of a group's queue, on a channel of its own, which its deliveries live and die with. */
export class RabbitSource implements Source, DeliveryOwner {
  readonly window: number;
  readonly ready: Promise<void>;
  readonly countsDeliveries: boolean;
  queue = '';
  readonly #host: SourceHost;
  readonly #options: SourceOptions;
  readonly #held = new Set<RabbitDelivery>();
  readonly #consumers: QueueConsumers;
  #bindings: Bindings | undefined;
  #channel: Channel | undefined;
  #acks: Acknowledgements | undefined;
  #arrived: RabbitDelivery[] = [];
  #isPaused = false;
  #isStopped = false;
  #failure: Error | undefined;
  #wake: () => void = () => undefined;
  /** Consuming and cancelling, one after the other. */
  #turns: Promise<unknown>;
  #closing: Promise<void> | undefined;

  constructor(host: SourceHost, options: SourceOptions) {
    this.#host = host;
    this.#options = options;
    this.window = host.prefetchCount;
    this.countsDeliveries = host.countsDeliveries;
    this.#consumers = new QueueConsumers({
      name: options.consumer,
      window: this.window,
      inHand: () => this.#held.size,
      receive: (raw) => this.#receive(raw),
    });
    let begun = (): void => undefined;
    this.ready = new Promise((resolve) => (begun = resolve));
    const started = this.#start();
    host.holdPublishes(started);
    this.#turns = started.then(
      () => (this.#isStopped ? undefined : begun()),
      (error: unknown) => this.fail(connectionError('Could not consume from', host.where, error)),
    );
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<readonly Delivery[], void, undefined> {
    for (;;) {
      // What came while it was being stopped goes back with the channel.
      const batch = this.#isStopped ? [] : this.#arrived;
      this.#arrived = [];
      if (batch.length > 0) yield batch;
      else if (this.#failure !== undefined) throw this.#failure;
      else if (this.#isStopped) return;
      else await new Promise<void>((resolve) => (this.#wake = resolve));
    }
  }

  async want(interest: Interest): Promise<void> {
    const wanted = this.#host.bindingsOf(interest);
    const bound = this.#turn(async (channel) => this.#bindings?.want(channel, wanted));
    this.#host.holdPublishes(bound);
    await bound;
  }

  /** Unbinds what others of the group may want, too. */
  unbind(unwanted: readonly Binding[]): Promise<void> {
    return this.#turn(async (channel) => this.#bindings?.remove(channel, unwanted));
  }

  /** Binds again what is wanted: the exchange may have been deleted and be a new one. */
  rebind(): Promise<void> {
    return this.#turn(async (channel) => this.#bindings?.renew(channel));
  }

  /**
   * Nobody tells a consumer that its exchange was deleted and declared anew, without what was bound to it. Binding what
   * is bound already changes nothing.
   */
  async reassert(): Promise<void> {
    await this.#host.declareExchange();
    await this.rebind();
  }

  /** Cancels its consumers: what comes next is for other members of the group. */
  pause(): void {
    this.#isPaused = true;
    this.#settleDemand();
  }

  resume(): void {
    this.#isPaused = false;
    this.#settleDemand();
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    this.#settleDemand();
    await this.#turns;
    for (const delivery of this.#arrived.splice(0)) this.forget(delivery);
    this.#wake();
  }

  close(): Promise<void> {
    return (this.#closing ??= this.#close());
  }

  /** The channel is gone, and with it all that was held. */
  fail(cause: Error): void {
    if (this.#failure !== undefined) return;
    this.#failure = cause;
    this.#arrived = [];
    this.#host.left(this);
    for (const delivery of [...this.#held].reverse()) {
      delivery.isHeld = false;
      delivery.holder?.lost();
    }
    this.#held.clear();
    void this.#channel?.close().catch(() => undefined);
    this.#wake();
  }

  settle(delivery: RabbitDelivery): void {
    if (!delivery.isHeld) return;
    this.forget(delivery);
    this.#acks?.add(delivery.tag);
  }

  forget(delivery: RabbitDelivery): void {
    delivery.isHeld = false;
    if (this.#held.delete(delivery) && this.#consumers.settled(delivery.tag)) this.#settleDemand();
  }

  get group(): string {
    return this.#options.group;
  }

  get heldCount(): number {
    return this.#held.size;
  }

  storeDeadLetter(delivery: RabbitDelivery, headers: Headers): Promise<void> {
    return this.#host.storeDeadLetter(this.#options.group, delivery, headers);
  }

  storeRetry(delivery: RabbitDelivery, delayMs: number, headers: Headers): Promise<void> {
    return this.#host.storeRetry(this.#options.group, delivery, delayMs, headers);
  }

  async #start(): Promise<void> {
    this.queue = await this.#host.declareGroup(this.#options.group);
    const channel = await this.#host.openChannel((cause) => this.#channelClosed(cause));
    this.#channel = channel;
    this.#acks = new Acknowledgements(guarded(channel));
    this.#bindings = new Bindings(this.queue, this.#host.exchange);
    await this.#bindings.want(channel, this.#host.bindingsOf(this.#options.interest));
    await this.#demand(channel);
  }

  #channelClosed(cause: Error): void {
    if (this.#failure === undefined && isDeliveryTimeout(cause))
      this.#options.notice?.({
        kind: 'delivery-timeout',
        count: this.#held.size,
        detail: deliveryTimeout(this.queue, cause),
      });
    this.fail(connectionError('Lost the channel to', this.#host.where, cause));
  }

  #settleDemand(): void {
    void this.#turn((channel) => this.#demand(channel)).catch(() => undefined);
  }

  /** Consumes, or doesn't, as is wanted by now. */
  async #demand(channel: Channel): Promise<void> {
    if (this.#isPaused || this.#isStopped) await this.#consumers.cancel(channel);
    else await this.#consumers.consume(channel, this.queue);
  }

  #receive(raw: ConsumeMessage | null): void {
    if (this.#failure !== undefined) return;
    if (raw === null) {
      this.#options.notice?.({
        kind: 'group-recreated',
        count: 1,
        detail: `The queue "${this.queue}" was deleted or moved, or one of its deliveries took longer than RabbitMQ 4.3 waits; consuming begins anew.`,
      });
      this.fail(new ConnectionError(`RabbitMQ cancelled the consumer of "${this.queue}"`));
      return;
    }
    const delivery = new RabbitDelivery(raw, this);
    this.#consumers.received(delivery.tag);
    this.#held.add(delivery);
    if (this.#arrived.push(delivery) === 1) this.#wake();
  }

  async #turn(task: (channel: Channel) => Promise<void>): Promise<void> {
    const turn = this.#turns.then(async () => {
      if (this.#failure !== undefined || this.#channel === undefined)
        throw this.#failure ?? new ConnectionError('The source is not open');
      await task(this.#channel);
    });
    this.#turns = turn.catch((error: unknown) =>
      this.fail(connectionError('Could not consume from', this.#host.where, asError(error))),
    );
    await turn;
  }

  async #close(): Promise<void> {
    await this.stop();
    const channel = this.#channel;
    if (this.#failure !== undefined || channel === undefined) {
      this.#host.left(this);
      return;
    }
    this.#acks?.flush();
    // A channel is served in order: once this is answered, the acknowledgements have been taken in.
    await channel.checkQueue(this.queue).catch(() => undefined);
    this.#failure = new ConnectionError('The source is closed');
    this.#host.left(this);
    await closeChannel(channel).catch(() => undefined);
  }
}
