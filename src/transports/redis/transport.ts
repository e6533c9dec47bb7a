import type { Capabilities, SourceOptions, Transport } from '../../contracts/transport.ts';
import { EventBusError } from '../../errors.ts';
import { RedisConnection } from './connection.ts';
import type { ConnectionContext } from './connection.ts';
import { disconnectedInfo } from './info.ts';
import type { RedisStreamInfo } from './info.ts';
import { Ledger } from './ledger.ts';
import { Link } from './link.ts';
import { LinkFactory } from './links.ts';
import { loadDriver } from './load-driver.ts';
import { RedisNames } from './names.ts';
import { parseRedisOptions } from './options.ts';
import type { RedisSettings, RedisTransportOptions } from './options.ts';
import { checkServer, readServerFacts } from './server.ts';
import type { ServerFacts } from './server.ts';
import { connectionError } from './server-errors.ts';

/**
 * Redis Streams behind the port. One for each bus: what the bus has in hand is remembered across its connections.
 * @throws {ConfigurationError} when an option is wrong; a missing driver shows when connecting.
 */
export function redisTransport(options: RedisTransportOptions = {}): RedisTransport {
  return new RedisTransport(parseRedisOptions(options));
}

/** @see redisTransport */
export class RedisTransport implements Transport, ConnectionContext {
  readonly name = 'redis';
  readonly destination: string;
  readonly capabilities: Capabilities = {
    durable: true,
    crossProcess: true,
    deliveryCount: true,
    keyOrder: 'single-consumer',
    leased: true,
    allGroups: true,
    replayFromStart: true,
    atomicDeadLetters: true,
    delayedRetry: false,
  };
  readonly names: RedisNames;
  /** Private, as everything that holds the URL: the machine's snapshots and inspection events show what is not. */
  readonly #settings: RedisSettings;
  readonly links: LinkFactory;
  readonly ledgers = new Map<string, Ledger>();
  #server: ServerFacts | undefined;
  /** Readers of former connections: one whose loss the server hasn't seen would still be handed entries. */
  #formerReaders: number[] = [];
  #connection: RedisConnection | undefined;

  constructor(settings: RedisSettings) {
    this.#settings = settings;
    this.names = new RedisNames(settings, settings.keyPrefix ?? templatePrefix(settings.redis));
    this.destination = this.names.stream;
    this.links = new LinkFactory(settings, loadDriver);
  }

  get where(): string | undefined {
    return this.links.where;
  }

  async connect(signal: AbortSignal): Promise<RedisConnection> {
    const commands = await Link.open(await this.links.create('commands'), signal);
    const abort = () => void commands.destroy();
    signal.addEventListener('abort', abort, { once: true });
    try {
      const server = await readServerFacts(commands.redis);
      checkServer(server, this.names.hasHashTag);
      await this.#endFormerReaders(commands, server);
      signal.throwIfAborted();
    } catch (error) {
      await commands.destroy();
      if (signal.aborted && !(error instanceof EventBusError)) throw commands.givenUp(signal.reason);
      throw connectionError('Could not connect to', commands.where, error);
    } finally {
      signal.removeEventListener('abort', abort);
    }
    const connection = new RedisConnection(commands, this, this.#settings);
    this.#connection = connection;
    void connection.closed.then(() => {
      if (this.#connection === connection) this.#connection = undefined;
    });
    return connection;
  }

  /**
   * Redis' own details of stream and groups; `connected: false` and zeros without a connection.
   * @throws {ConnectionError} when the connection is lost meanwhile.
   */
  async streamInfo(): Promise<RedisStreamInfo> {
    return this.#connection?.streamInfo() ?? disconnectedInfo(this.names);
  }

  ledgerOf({ group, consumer }: SourceOptions): Ledger {
    const key = JSON.stringify([group, consumer]);
    let ledger = this.ledgers.get(key);
    if (ledger === undefined) {
      ledger = new Ledger(this.names, group, consumer, this.#settings);
      this.ledgers.set(key, ledger);
    }
    return ledger;
  }

  readerOpened(clientId: number): void {
    this.#formerReaders.push(clientId);
  }

  async #endFormerReaders(commands: Link, server: ServerFacts): Promise<void> {
    // After a restart the same numbers belong to other clients.
    if (this.#server?.runId === server.runId) {
      await Promise.all(this.#formerReaders.map((id) => commands.redis.client('KILL', 'ID', id)));
    }
    this.#formerReaders = [];
    this.#server = server;
  }
}

function templatePrefix(redis: RedisSettings['redis']): string {
  if (redis === undefined || typeof redis === 'function') return '';
  return redis.options.keyPrefix ?? '';
}
