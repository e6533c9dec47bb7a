import type { Redis, RedisOptions } from 'ioredis';
import { ConfigurationError, ConnectionError } from '../../errors.ts';
import { connectionError, driverError, isPassing, isServerAnswer } from './server-errors.ts';

/**
 * A driver that neither reconnects nor queues nor resends: with `retryStrategy: null` a lost socket rejects every
 * pending command at once. Without the rest, ioredis would repeat an XADD whose reply was lost.
 */
export const LINK_SETTINGS = {
  lazyConnect: true,
  retryStrategy: null,
  reconnectOnError: null,
  autoResendUnfulfilledCommands: false,
  autoResubscribe: false,
  enableOfflineQueue: false,
  enableAutoPipelining: false,
  maxRetriesPerRequest: null,
  disableClientInfo: true,
  disconnectTimeout: 200,
  keepAlive: 10_000,
  keyPrefix: '',
  // RESP2 costs a fifth less per entry than RESP3 does.
  protocol: 2,
  replyMapping: 'legacy',
} as const satisfies RedisOptions;

/** @throws {ConfigurationError} when a client from a factory would act on its own. */
export function checkLinkSettings(redis: Redis): void {
  const { options } = redis;
  const wrong = (
    [
      'lazyConnect',
      'retryStrategy',
      'autoResendUnfulfilledCommands',
      'enableOfflineQueue',
      'keyPrefix',
    ] as const
  ).find((name) => (options[name] ?? null) !== LINK_SETTINGS[name]);
  if (wrong !== undefined || redis.status !== 'wait') {
    throw new ConfigurationError(
      `Redis option "redis": the factory's client ${
        wrong === undefined ? `is ${redis.status} already` : `has ${wrong} = ${String(options[wrong])}`
      }. Spread the settings given to the factory into the client's options.`,
    );
  }
}

interface Address {
  readonly host?: string | undefined;
  readonly port?: number | undefined;
  readonly path?: string | undefined;
}

/** `host:port`, or the path of a socket file. */
export function whereOf({ host, port, path }: Address): string {
  return path ?? `${host ?? 'localhost'}:${port ?? 6379}`;
}

/** One socket. It ends once: lost, or destroyed by us. */
export class Link {
  /** Its options hold the password: out of reach of what prints or stores snapshots. */
  readonly #redis: Redis;
  /** `host:port`, for messages. */
  readonly where: string;
  /** Settles when the socket is gone: the cause, or undefined after `destroy()`. */
  readonly ended: Promise<Error | undefined>;
  #cause: Error | undefined;
  #destroyed = false;

  /**
   * @throws {ConnectionError} when it can't be opened, or `signal` aborts first.
   */
  static async open(redis: Redis, signal: AbortSignal): Promise<Link> {
    const link = new Link(redis);
    const abort = () => void link.destroy();
    signal.addEventListener('abort', abort, { once: true });
    try {
      signal.throwIfAborted();
      await redis.connect();
      await link.#select();
      return link;
    } catch (error) {
      await link.destroy();
      if (error instanceof ConnectionError) throw error;
      if (signal.aborted) throw link.givenUp(link.#cause ?? signal.reason);
      throw connectionError('Could not connect to', link.where, link.#cause ?? error);
    } finally {
      signal.removeEventListener('abort', abort);
    }
  }

  private constructor(redis: Redis) {
    this.#redis = redis;
    this.where = whereOf(redis.options);
    redis.on('error', (error: Error) => (this.#cause = driverError(error)));
    this.ended = new Promise((resolve) => {
      redis.once('end', () =>
        resolve(this.#destroyed ? undefined : (this.#cause ?? new Error('closed by the server'))),
      );
    });
  }

  get redis(): Redis {
    return this.#redis;
  }

  /** What to throw when the time to connect was up. */
  givenUp(cause: unknown): ConnectionError {
    // A plain Redis takes a TLS greeting for the beginning of a command, and waits for the rest.
    const hint = this.redis.options.tls === undefined ? '' : ': does this port speak TLS?';
    return new ConnectionError(`Gave up connecting to Redis at ${this.where}${hint}`, { cause });
  }

  /** ioredis does it too, but goes on with database 0 when the server refuses. */
  async #select(): Promise<void> {
    const { db = 0 } = this.redis.options;
    if (db === 0) return;
    try {
      await this.redis.select(db);
    } catch (error) {
      if (!isServerAnswer(error)) throw error;
      throw new ConnectionError(
        `Could not select database ${db} of Redis at ${this.where}: ${error.message}`,
        { retryable: isPassing(error), cause: driverError(error) },
      );
    }
  }

  get isOpen(): boolean {
    return this.redis.status === 'ready';
  }

  /** Rejects what is pending, and resolves once the socket is closed. */
  async destroy(): Promise<void> {
    this.#destroyed = true;
    // After 'end' disconnect() would leave a timer behind that keeps the process alive.
    if (this.redis.status === 'end') return;
    const { stream } = this.redis as { stream?: { destroy(): void } };
    this.redis.disconnect();
    stream?.destroy();
    await this.ended;
  }
}
