import { ConnectionError } from 'buschart';
import {
  PublishFailure,
  type Capabilities,
  type Connection,
  type ConnectionInfo,
  type DeadLetterStore,
  type Message,
  type SourceOptions,
  type Transport,
} from 'buschart/transport';
import { FileSource } from './source.ts';
import { shareStore, type FileStore } from './store.ts';

/**
 * A broker made of files in one folder: `log.jsonl` is all that was published, `group-….jsonl` what a group has settled,
 * `dead-letters.jsonl` what was given up on. Everything is on the disk before it is confirmed. One process at a time, in
 * which any number of buses share it. Nothing is ever removed: this is to show how a transport is written.
 */
export class FileTransport implements Transport {
  readonly name = 'file';
  readonly destination: string;
  readonly capabilities: Capabilities = {
    durable: true,
    crossProcess: false,
    deliveryCount: false,
    keyOrder: 'single-consumer',
    leased: false,
    allGroups: true,
    replayFromStart: true,
    atomicDeadLetters: false,
    delayedRetry: false,
  };

  /** @param folder Made where there is none. */
  constructor(folder: string) {
    this.destination = folder;
  }

  async connect(signal: AbortSignal): Promise<FileConnection> {
    try {
      const { store, leave } = await shareStore(this.destination);
      if (!signal.aborted) return new FileConnection(this.destination, store, leave);
      await leave();
    } catch (cause) {
      throw new ConnectionError(`Could not open ${this.destination}: ${(cause as Error).message}`, { cause });
    }
    throw new ConnectionError(`Gave up opening ${this.destination}`, { cause: signal.reason });
  }
}

/** One bus at one folder. */
export class FileConnection implements Connection {
  readonly closed: Promise<Error | undefined>;
  readonly #folder: string;
  readonly #store: FileStore;
  readonly #leave: () => Promise<void>;
  readonly #sources = new Set<FileSource>();
  #noteClosed: (error: Error | undefined) => void = () => undefined;
  #closing: Promise<void> | undefined = undefined;

  constructor(folder: string, store: FileStore, leave: () => Promise<void>) {
    this.#folder = folder;
    this.#store = store;
    this.#leave = leave;
    this.closed = new Promise((resolve) => (this.#noteClosed = resolve));
  }

  get deadLetters(): DeadLetterStore {
    return this.#store.deadLetters;
  }

  async publish(messages: readonly Message[]): Promise<void> {
    const all = [...messages.keys()];
    if (this.#closing !== undefined)
      throw new PublishFailure('The connection is closed.', { stored: [], unknown: [], unsent: all });
    try {
      await this.#store.publish(messages);
    } catch (cause) {
      // Whether all of it was taken back again, the disk that failed can't promise.
      const outcome = { stored: [], unknown: all, unsent: [] };
      throw new PublishFailure(`Could not write to ${this.#folder}`, outcome, { cause });
    }
  }

  subscribe({ group }: SourceOptions): FileSource {
    const source = new FileSource(this.#store.group(group), {
      destination: this.#folder,
      deadLetters: this.#store.deadLetters,
      failed: (cause) => void this.end(new ConnectionError(`Could not write to ${this.#folder}`, { cause })),
    });
    this.#sources.add(source);
    return source;
  }

  async info(group: string | undefined): Promise<ConnectionInfo> {
    const found = group === undefined ? undefined : this.#store.find(group);
    return {
      length: this.#store.log.length,
      pendingMessages: found?.held ?? 0,
      dlqMessages: await this.deadLetters.depth(group ?? '*'),
      consumers: found?.takers ?? 0,
      lag: found?.lag ?? this.#store.log.length,
    };
  }

  close(): Promise<void> {
    return this.end(undefined);
  }

  /** By `close()`, or because the disk failed: then the bus opens another connection. */
  end(error: Error | undefined): Promise<void> {
    this.#closing ??= this.#end(error);
    return this.#closing;
  }

  async #end(error: Error | undefined): Promise<void> {
    for (const source of this.#sources) source.lose(error);
    await this.#leave();
    this.#noteClosed(error);
  }
}
