import type {
  Capabilities,
  Connection,
  ConnectionInfo,
  DeadLetterStore,
  SourceOptions,
  Transport,
} from '../../contracts/transport.ts';
import type { Message } from '../../contracts/message.ts';
import { ConnectionError } from '../../errors.ts';
import type { MemoryBroker } from './broker.ts';
import { MemorySource } from './source.ts';

/** Deliveries pulled and unsettled at once by one consumer. */
const WINDOW = 200;

export const MEMORY_CAPABILITIES: Capabilities = {
  durable: false,
  crossProcess: false,
  deliveryCount: true,
  keyOrder: 'single-consumer',
  leased: false,
  allGroups: true,
  replayFromStart: true,
  atomicDeadLetters: true,
  delayedRetry: false,
};

/** A {@link MemoryBroker} behind the port. */
export class MemoryTransport implements Transport {
  readonly name = 'memory';
  readonly destination = 'memory';
  readonly capabilities = MEMORY_CAPABILITIES;
  readonly #broker: MemoryBroker;
  readonly #isShared: boolean;

  /** @param isShared whether other buses may take what this one gives back. */
  constructor(broker: MemoryBroker, isShared: boolean) {
    this.#broker = broker;
    this.#isShared = isShared;
  }

  connect(): Promise<Connection> {
    return this.#broker.isDown
      ? Promise.reject(new ConnectionError('The memory broker is down.'))
      : Promise.resolve(new MemoryConnection(this.#broker, this.#isShared));
  }
}

/** One bus at one memory broker. */
export class MemoryConnection implements Connection {
  readonly deadLetters: DeadLetterStore;
  readonly closed: Promise<Error | undefined>;
  readonly #broker: MemoryBroker;
  readonly #sources = new Set<MemorySource>();
  readonly #isShared: boolean;
  /** The bus consumes from its construction on, so what it publishes first waits for its consumer. */
  readonly #subscribed: Promise<void>;
  #noteSubscribed: () => void = () => undefined;
  #close: (error: Error | undefined) => void = () => undefined;

  constructor(broker: MemoryBroker, isShared: boolean) {
    this.#broker = broker;
    this.#isShared = isShared;
    this.#subscribed = new Promise((resolve) => (this.#noteSubscribed = resolve));
    this.deadLetters = broker;
    this.closed = new Promise((resolve) => (this.#close = resolve));
    broker.opened(this);
  }

  /** Event by event: resolves when what this bus itself consumes of it has been handled, or has to wait its turn. */
  async publish(messages: readonly Message[]): Promise<void> {
    await this.#subscribed;
    for (const message of messages) {
      const added = this.#broker.append(message);
      const own = added.filter((delivery) => this.#sources.has(delivery.consumer as MemorySource));
      if (own.length > 0) await Promise.all(own.map((delivery) => delivery.moved));
    }
  }

  subscribe({ group, notice }: SourceOptions): MemorySource {
    const found = this.#broker.group(group);
    const source = new MemorySource(found, {
      window: WINDOW,
      isShared: this.#isShared,
      notice,
    });
    this.#sources.add(source);
    this.#noteSubscribed();
    const count = found.takeLost();
    if (count > 0)
      notice?.({
        kind: 'trimmed',
        count,
        detail: `Nobody consumed the group "${group}", and its ${count} oldest event(s) are lost to it.`,
      });
    return source;
  }

  async info(group: string | undefined): Promise<ConnectionInfo> {
    const found = group === undefined ? undefined : this.#broker.find(group);
    return {
      length: this.#broker.retained,
      pendingMessages: found?.pendingCount ?? 0,
      dlqMessages: await this.#broker.depth(group ?? '*'),
      consumers: found?.consumerCount ?? 0,
      lag: found?.length ?? 0,
    };
  }

  close(): Promise<void> {
    this.end(undefined);
    return Promise.resolve();
  }

  /** The link is gone: by close(), or by a fault that a test made. */
  end(error: Error | undefined): void {
    for (const source of this.#sources) source.lose(error);
    this.#sources.clear();
    this.#broker.ended(this);
    this.#close(error);
  }
}
