import type { Headers, Message } from '../../contracts/message.ts';
import type {
  Connection,
  ConnectionInfo,
  Interest,
  Source,
  SourceOptions,
  TransportNotice,
} from '../../contracts/transport.ts';
import { ConnectionError, EncodeError } from '../../errors.ts';
import { Bindings } from './bindings.ts';
import { RabbitDeadLetterStore } from './dead-letter-store.ts';
import type { RabbitDelivery } from './delivery.ts';
import type { Link } from './link.ts';
import { EventPublisher } from './event-publisher.ts';
import { dlqOf, tierOf } from './names.ts';
import type { RabbitSettings } from './options.ts';
import { ConfirmedPublisher } from './publisher.ts';
import { copyProperties, type RabbitMessage } from './rabbit-message.ts';
import { connectionError, isMissing } from './server-errors.ts';
import { RabbitSource, type SourceHost } from './source.ts';
import type { Binding, Topology } from './topology.ts';

/** RabbitMQ's own numbers of a group's queue; zeros where it isn't there. */
export interface RabbitQueueInfo {
  readonly queue: string;
  readonly deadLetterQueue: string;
  /** Waiting to be handed out. */
  readonly ready: number;
  /** Handed out to this bus and not settled; what other members hold only the management API knows. */
  readonly unsettledHere: number;
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
  readonly #retryQueues = new Map<string, Promise<string>>();
  #settle: (cause: Error | undefined) => void = () => undefined;
  #ending: Promise<void> | undefined;

  constructor(parts: ConnectionParts) {
    const { settings, topology, publishing, consuming } = parts;
    this.#parts = parts;
    this.where = publishing.where;
    this.prefetchCount = settings.prefetchCount;
    this.exchange = settings.exchangeName;
    this.countsDeliveries = settings.queueType === 'quorum';
    this.#publisher = new ConfirmedPublisher(publishing, () => this.#declareExchange());
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
    return { length: ready, pendingMessages: unsettledHere, dlqMessages: deadLetters, consumers, lag: ready };
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
    const unwanted = this.bindingsOf(interest);
    const sources = [...this.#sources].filter((source) => source.group === group);
    // By the source itself, which would take them for bound otherwise.
    if (sources.length > 0) {
      await Promise.all(sources.map((source) => source.unbind(unwanted)));
      return;
    }
    const channel = await this.#parts.consuming.channel(() => undefined);
    await new Bindings(queue, this.exchange).remove(channel, unwanted);
    await channel.close();
  }

  async declareGroup(group: string): Promise<string> {
    const { topology, consuming } = this.#parts;
    await topology.declareExchange(consuming);
    await topology.declareGroup(consuming, group);
    return topology.queueOf(group);
  }

  openChannel(closed: (cause: Error) => void): ReturnType<Link['channel']> {
    return this.#parts.consuming.channel(closed);
  }

  bindingsOf(interest: Interest): Binding[] {
    return this.#parts.topology.bindingsOf(interest);
  }

  holdPublishes(bound: Promise<void>): void {
    this.#publisher.holdUntil(bound);
  }

  left(source: RabbitSource): void {
    this.#sources.delete(source);
  }

  async storeDeadLetter(group: string, { message }: RabbitDelivery, headers: Headers): Promise<void> {
    try {
      await this.#storeDeadLetter(group, message, { ...message.headers, ...headers });
    } catch (error) {
      if (!(error instanceof EncodeError)) throw error;
      // Another client's headers may fill the table that ours must go into: kept for ever it would hold its lane.
      const leftOut = String(Object.keys(message.headers).length);
      await this.#storeDeadLetter(group, message, { ...headers, 'x-headers-left-out': leftOut });
    }
  }

  async #storeDeadLetter(group: string, message: RabbitMessage, headers: Headers): Promise<void> {
    const { topology, publishing } = this.#parts;
    const outgoing = {
      exchange: '',
      routingKey: dlqOf(topology.queueOf(group)),
      content: message.body,
      properties: copyProperties(message, headers),
    };
    if ((await this.#publisher.sendOne(outgoing)) === 'stored') return;
    // Somebody deleted the queue.
    await topology.declareDeadLetters(publishing, group);
    if ((await this.#publisher.sendOne(outgoing)) === 'stored') return;
    throw new ConnectionError(`RabbitMQ does not route to the queue "${outgoing.routingKey}"`);
  }

  async storeRetry(
    group: string,
    { message }: RabbitDelivery,
    delayMs: number,
    headers: Headers,
  ): Promise<void> {
    const queue = await this.#retryQueue(group, tierOf(delayMs));
    const outcome = await this.#publisher.sendOne({
      exchange: '',
      routingKey: queue,
      content: message.body,
      properties: copyProperties(message, headers),
    });
    if (outcome === 'stored') return;
    this.#retryQueues.clear();
    throw new ConnectionError(`RabbitMQ does not route to the queue "${queue}"`);
  }

  close(): Promise<void> {
    return this.#end(undefined);
  }

  /** Before each channel to publish over: what closed the last one may be that somebody deleted the exchange. */
  async #declareExchange(): Promise<void> {
    const { topology, publishing } = this.#parts;
    await topology.declareExchange(publishing);
    // A source that can't is lost, and its successor binds when it begins.
    await Promise.allSettled([...this.#sources].map((source) => source.rebind()));
  }

  #retryQueue(group: string, tierMs: number): Promise<string> {
    const name = JSON.stringify([group, tierMs]);
    let queue = this.#retryQueues.get(name);
    if (queue === undefined) {
      queue = this.#parts.topology.declareRetryQueue(this.#parts.publishing, group, tierMs);
      this.#retryQueues.set(name, queue);
      queue.catch(() => this.#retryQueues.delete(name));
    }
    return queue;
  }

  async #queueNumbers(queue: string): Promise<{ readonly ready: number; readonly consumers: number }> {
    try {
      const channel = await this.#parts.consuming.channel(() => undefined);
      const { messageCount, consumerCount } = await channel.checkQueue(queue);
      await channel.close();
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
