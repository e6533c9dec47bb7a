import type { Headers, Message } from '../../contracts/message.ts';
import type {
  Connection,
  ConnectionInfo,
  Interest,
  Source,
  SourceOptions,
} from '../../contracts/transport.ts';
import type { TransportNotice } from '../../contracts/transport-notice.ts';
import { ConnectionError } from '../../errors.ts';
import { Bindings } from './bindings.ts';
import { RabbitDeadLetterStore } from './dead-letter-store.ts';
import type { RabbitDelivery } from './delivery.ts';
import type { Link } from './link.ts';
import { EventPublisher } from './event-publisher.ts';
import { MessageCopies } from './message-copies.ts';
import { dlqOf } from './names.ts';
import type { RabbitSettings } from './options.ts';
import { ConfirmedPublisher } from './publisher.ts';
import { connectionError, isMissing } from './server-errors.ts';
import type { SourceHost } from './source-host.ts';
import { RabbitSource } from './source.ts';
import type { Binding, Topology } from './topology.ts';

/** RabbitMQ's own numbers of a group's queue; zeros where it isn't there. */
export interface RabbitQueueInfo {
  readonly queue: string;
  readonly deadLetterQueue: string;
  /** Waiting to be handed out. */
  readonly ready: number;
  /** Handed out to this bus and not settled; what other members hold only the management API knows. */
  readonly unsettledHere: number;
  /** Of all members; one that was paused with deliveries in hand may have several for a while. */
  readonly consumers: number;
  readonly deadLetters: number;
}

export interface ConnectionParts {
  readonly settings: RabbitSettings;
  readonly topology: Topology;
  readonly publishing: Link;
  readonly consuming: Link;
  /** Routing keys that nobody is bound to, as far as they were warned of. */
  readonly warned: Set<string>;
  readonly notice: ((notice: TransportNotice) => void) | undefined;
}

/**
 * Two sockets: when the server blocks one that publishes, it no longer reads what comes over it, acknowledgements
 * included. The loss of either ends both.
 */
export class RabbitConnection implements Connection, SourceHost {
  readonly deadLetters: RabbitDeadLetterStore;
  readonly closed: Promise<Error | undefined>;
  onBlocked: ((isBlocked: boolean) => void) | undefined = undefined;
  readonly where: string;
  readonly prefetchCount: number;
  readonly exchange: string;
  readonly countsDeliveries: boolean;
  readonly #parts: ConnectionParts;
  readonly #publisher: ConfirmedPublisher;
  readonly #events: EventPublisher;
  readonly #sources = new Set<RabbitSource>();
  readonly #copies: MessageCopies;
  #settle: (cause: Error | undefined) => void = () => undefined;
  #ending: Promise<void> | undefined;

  constructor(parts: ConnectionParts) {
    const { settings, topology, publishing, consuming } = parts;
    this.#parts = parts;
    this.where = publishing.where;
    this.prefetchCount = settings.prefetchCount;
    this.exchange = settings.exchangeName;
    this.countsDeliveries = settings.queueType === 'quorum';
    this.#publisher = new ConfirmedPublisher(publishing, () => this.#prepare());
    this.#copies = new MessageCopies(topology, publishing, this.#publisher);
    this.#events = new EventPublisher(this.#publisher, settings, parts.warned, parts.notice);
    this.deadLetters = new RabbitDeadLetterStore({
      link: consuming,
      publisher: this.#publisher,
      queueOf: (group) => topology.queueOf(group),
    });
    this.closed = new Promise((resolve) => (this.#settle = resolve));
    publishing.onBlocked = (isBlocked) => this.onBlocked?.(isBlocked);
    for (const link of [publishing, consuming])
      void link.ended.then((cause) => {
        if (cause !== undefined) void this.#end(connectionError('Lost', this.where, cause));
      });
  }

  /** @throws {ConfigurationError} when the exchange is there and of another kind. */
  open(): Promise<void> {
    return this.#publisher.open();
  }

  publish(messages: readonly Message[]): Promise<void> {
    return this.#events.publish(messages);
  }

  subscribe(options: SourceOptions): Source {
    const source = new RabbitSource(this, options);
    if (this.#ending === undefined) this.#sources.add(source);
    else source.fail(new ConnectionError('The connection to RabbitMQ is closed'));
    return source;
  }

  async info(group: string | undefined): Promise<ConnectionInfo> {
    if (group === undefined)
      return { length: 0, pendingMessages: 0, dlqMessages: 0, consumers: 0, lag: undefined };
    const { ready, consumers, deadLetters, unsettledHere } = await this.queueInfo(group);
    return {
      length: ready,
      pendingMessages: unsettledHere,
      pendingOf: 'connection',
      dlqMessages: deadLetters,
      consumers,
      lag: ready,
    };
  }

  async queueInfo(group: string): Promise<RabbitQueueInfo> {
    const queue = this.#parts.topology.queueOf(group);
    const { ready, consumers } = await this.#queueNumbers(queue);
    const unsettledHere = [...this.#sources].reduce((sum, { heldCount }) => sum + heldCount, 0);
    const deadLetters = await this.deadLetters.depth(group);
    return { queue, deadLetterQueue: dlqOf(queue), ready, unsettledHere, consumers, deadLetters };
  }

  /** Takes bindings away that may be another consumer's, too. */
  async unbind(group: string, interest: Interest): Promise<void> {
    const queue = this.#parts.topology.queueOf(group);
    const unwanted = this.#parts.topology.bindingsOf(interest);
    const sources = [...this.#sources].filter((source) => source.group === group);
    // By the source itself, which would take them for bound otherwise.
    if (sources.length > 0) {
      await Promise.all(sources.map((source) => source.unbind(unwanted)));
      return;
    }
    const bindings = new Bindings(queue, this.exchange);
    await this.#parts.consuming.using((channel) => bindings.remove(channel, unwanted));
  }

  async declareGroup(group: string): Promise<string> {
    const { topology, consuming } = this.#parts;
    await this.declareExchange();
    await topology.declareGroup(consuming, group);
    return topology.queueOf(group);
  }

  openChannel(closed: (cause: Error) => void): ReturnType<Link['channel']> {
    return this.#parts.consuming.channel(closed);
  }

  bindingsOf(interest: Interest): Binding[] {
    const { settings, topology } = this.#parts;
    return settings.declare === 'passive' ? [] : topology.bindingsOf(interest);
  }

  declareExchange(): Promise<void> {
    return this.#parts.topology.declareExchange(this.#parts.consuming);
  }

  holdPublishes(bound: Promise<void>): void {
    this.#publisher.holdUntil(bound);
  }

  left(source: Source): void {
    this.#sources.delete(source as RabbitSource);
  }

  storeDeadLetter(group: string, delivery: RabbitDelivery, headers: Headers): Promise<void> {
    return this.#copies.storeDeadLetter(group, delivery, headers);
  }

  storeRetry(group: string, delivery: RabbitDelivery, delayMs: number, headers: Headers): Promise<void> {
    return this.#copies.storeRetry(group, delivery, delayMs, headers);
  }

  close(): Promise<void> {
    return this.#end(undefined);
  }

  /** Before each channel to publish over: what closed the last one may be that somebody deleted the exchange. */
  async #prepare(): Promise<void> {
    const { topology, publishing } = this.#parts;
    await topology.declareExchange(publishing);
    // A source that can't is lost, and its successor binds when it begins.
    await Promise.allSettled([...this.#sources].map((source) => source.rebind()));
  }

  async #queueNumbers(queue: string): Promise<{ readonly ready: number; readonly consumers: number }> {
    try {
      const { messageCount, consumerCount } = await this.#parts.consuming.using((channel) =>
        channel.checkQueue(queue),
      );
      return { ready: messageCount, consumers: consumerCount };
    } catch (error) {
      if (isMissing(error)) return { ready: 0, consumers: 0 };
      throw connectionError('Could not ask', this.where, error);
    }
  }

  #end(cause: Error | undefined): Promise<void> {
    return (this.#ending ??= this.#tearDown(cause));
  }

  async #tearDown(cause: Error | undefined): Promise<void> {
    const { publishing, consuming } = this.#parts;
    const gone = cause ?? new ConnectionError('The connection to RabbitMQ was closed');
    for (const source of this.#sources) source.fail(gone);
    if (cause === undefined) await Promise.all([publishing.close(), consuming.close()]);
    else for (const link of [publishing, consuming]) link.destroy(cause);
    this.#settle(cause);
  }
}
