import type { Message } from '../../contracts/message.ts';
import type { Connection, ConnectionInfo, Source, SourceOptions } from '../../contracts/transport.ts';
import { ConnectionError } from '../../errors.ts';
import { ALL_GROUPS, RedisDeadLetterStore } from './dead-letter-store.ts';
import { groupInfo, streamInfo } from './info.ts';
import type { RedisStreamInfo } from './info.ts';
import type { Ledger } from './ledger.ts';
import { Link } from './link.ts';
import type { LinkFactory } from './links.ts';
import type { RedisNames } from './names.ts';
import type { RedisSettings } from './options.ts';
import { Publisher } from './publisher.ts';
import { RedisReader } from './reader.ts';
import type { ReaderHost } from './reader-host.ts';
import { connectionError } from './server-errors.ts';

/** What a connection takes from its transport. */
export interface ConnectionContext {
  readonly names: RedisNames;
  readonly links: LinkFactory;
  /** Ledgers outlive connections. */
  readonly ledgers: ReadonlyMap<string, Ledger>;
  ledgerOf(options: SourceOptions): Ledger;
  /** The server may not have noticed yet that this reader is gone. */
  readerOpened(clientId: number): void;
}

/** One socket for commands, and one for each source; the loss of any ends all. */
export class RedisConnection implements Connection, ReaderHost {
  readonly commands: Link;
  readonly deadLetters: RedisDeadLetterStore;
  readonly closed: Promise<Error | undefined>;
  readonly #context: ConnectionContext;
  readonly #settings: RedisSettings;
  readonly #publisher: Publisher;
  readonly #readers = new Set<RedisReader>();
  readonly #links = new Set<Link>();
  readonly #closing = new AbortController();
  #settle: (cause: Error | undefined) => void = () => undefined;
  #ending: Promise<void> | undefined;

  constructor(commands: Link, context: ConnectionContext, settings: RedisSettings) {
    const { names } = context;
    this.#settings = settings;
    this.commands = commands;
    this.#context = context;
    this.#publisher = new Publisher(commands, names.stream, settings.dangerouslyMaxLength);
    this.deadLetters = new RedisDeadLetterStore(commands.redis, names);
    this.closed = new Promise((resolve) => (this.#settle = resolve));
    this.#watch(commands);
    for (const ledger of context.ledgers.values()) ledger.resume(commands.redis);
  }

  publish(messages: readonly Message[]): Promise<void> {
    return this.#publisher.publish(messages);
  }

  subscribe(options: SourceOptions): Source {
    const ledger = this.#context.ledgerOf(options);
    ledger.notice = options.notice;
    if (this.#ending === undefined) ledger.attach(this.commands.redis);
    const reader = new RedisReader(this, ledger, this.#settings);
    this.#readers.add(reader);
    if (this.#ending !== undefined) reader.fail(new ConnectionError('The connection to Redis is closed'));
    return reader;
  }

  async info(group: string | undefined): Promise<ConnectionInfo> {
    const [info, dlqMessages] = await Promise.all([
      this.#read(() => groupInfo(this.commands.redis, this.#context.names, group)),
      this.deadLetters.depth(group ?? ALL_GROUPS),
    ]);
    return { ...info, dlqMessages };
  }

  async streamInfo(): Promise<RedisStreamInfo> {
    return this.#read(() => streamInfo(this.commands.redis, this.#context.names));
  }

  async openReader(): Promise<{ readonly link: Link; readonly clientId: number }> {
    const redis = await this.#context.links.create('reader');
    const link = await Link.open(redis, this.#closing.signal);
    this.#watch(link);
    try {
      const clientId = await redis.client('ID');
      this.#context.readerOpened(clientId);
      return { link, clientId };
    } catch (error) {
      await link.destroy();
      throw error;
    }
  }

  left(reader: RedisReader): void {
    this.#readers.delete(reader);
  }

  fail(error: Error): void {
    void this.#end(connectionError('Lost', this.commands.where, error));
  }

  close(): Promise<void> {
    return this.#end(undefined);
  }

  #watch(link: Link): void {
    this.#links.add(link);
    void link.ended.then((cause) => {
      this.#links.delete(link);
      if (cause !== undefined) this.fail(cause);
    });
  }

  #end(cause: Error | undefined): Promise<void> {
    return (this.#ending ??= this.#tearDown(cause));
  }

  async #tearDown(cause: Error | undefined): Promise<void> {
    this.#closing.abort();
    const attached = [...this.#context.ledgers.values()].filter((ledger) =>
      ledger.isAttachedTo(this.commands.redis),
    );
    // Where the time to drain was up, nobody closed the reader: what it had needn't wait until its lease ends.
    if (cause === undefined) {
      const living = attached.filter((ledger) => ledger.isLiving);
      await Promise.all(living.map((ledger) => ledger.leave().catch(() => undefined)));
    }
    for (const ledger of attached) ledger.detach();
    const gone = cause ?? new ConnectionError('The connection to Redis was closed');
    for (const reader of this.#readers) reader.fail(gone);
    await Promise.all([...this.#links].map((link) => link.destroy()));
    this.#settle(cause);
  }

  async #read<T>(command: () => Promise<T>): Promise<T> {
    try {
      return await command();
    } catch (error) {
      throw connectionError('Could not ask', this.commands.where, error);
    }
  }
}
