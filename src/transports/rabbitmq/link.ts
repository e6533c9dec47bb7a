import { unescape } from 'node:querystring';
import type { Writable } from 'node:stream';
import type { Channel, ChannelModel, ConfirmChannel } from 'amqplib';
import { ConnectionError } from '../../errors.ts';
import { closeChannel } from './close-channel.ts';
import { coalesceWrites } from './coalesced-writes.ts';
import type { RabbitDriver } from './load-driver.ts';
import type { RabbitSettings } from './options.ts';
import { asError, connectionError, isVhostRefusal } from './server-errors.ts';

const CLOSE_TIMEOUT_MS = 1000;

/** What amqplib has at run time and leaves out of its types. */
interface Innards {
  readonly connection: {
    readonly stream: Writable;
    readonly serverProperties?: { readonly version?: string };
  };
}

export interface LinkOptions {
  /** Shown in the server's list of connections. */
  readonly role: string;
  readonly signal: AbortSignal;
  /** The server has opened the virtual host before: one that it refuses now may only be starting. */
  readonly wasOpen: boolean;
}

/** `host:port`, for messages. */
export function whereOf(settings: Pick<RabbitSettings, 'rabbitmqUrl' | 'tls'>): string {
  const { hostname, port, protocol } = dialled(settings);
  return `${hostname}:${port || (protocol === 'amqps:' ? 5671 : 5672)}`;
}

function dialled({ rabbitmqUrl, tls }: Pick<RabbitSettings, 'rabbitmqUrl' | 'tls'>): URL {
  const url = new URL(rabbitmqUrl);
  if (tls !== undefined && tls !== false) url.protocol = 'amqps:';
  return url;
}

/** One socket. It ends once: lost, or closed by us. */
export class Link {
  readonly where: string;
  /** Such as 3.10.8; empty where the server doesn't tell. */
  readonly serverVersion: string;
  /** Settles when the socket is gone: the cause, or undefined after `close()`. */
  readonly ended: Promise<Error | undefined>;
  onBlocked: ((isBlocked: boolean) => void) | undefined = undefined;
  readonly #model: ChannelModel;
  #isEnded = false;
  #isClosing = false;
  #cause: Error | undefined;
  #end: (cause: Error | undefined) => void = () => undefined;

  /** @throws {ConnectionError} when it can't be opened, or `signal` aborts first. */
  static async open(
    driver: RabbitDriver,
    settings: RabbitSettings,
    { role, signal, wasOpen }: LinkOptions,
  ): Promise<Link> {
    const where = whereOf(settings);
    const url = dialled(settings);
    url.searchParams.set('heartbeat', String(settings.heartbeatSeconds));
    const abandoned = new AbortController();
    const opening = driver.connect(url.href, {
      ...(typeof settings.tls === 'object' ? settings.tls : {}),
      // The driver's own limit covers the handshake, too.
      ...(settings.connectTimeoutMs === Infinity ? {} : { timeout: settings.connectTimeoutMs }),
      noDelay: true,
      // Not the caller's signal, which would destroy the socket after it was handed out, too.
      signal: abandoned.signal,
      clientProperties: { connection_name: `buschart ${role}` },
    });
    let giveUp: () => void = () => undefined;
    const aborted = new Promise<never>((_, reject) => {
      giveUp = () => {
        reject(new ConnectionError(`Gave up connecting to RabbitMQ at ${where}`, { cause: signal.reason }));
        abandoned.abort();
      };
    });
    if (signal.aborted) giveUp();
    signal.addEventListener('abort', giveUp, { once: true });
    try {
      return new Link(await Promise.race([opening, aborted]), where);
    } catch (error) {
      // It may still come.
      void opening.then(
        (late) => new Link(late, where).close(),
        () => undefined,
      );
      if (!isVhostRefusal(error)) throw connectionError('Could not connect to', where, error);
      const vhost = unescape(url.pathname.slice(1)) || '/';
      throw new ConnectionError(
        `RabbitMQ at ${where} does not open the virtual host "${vhost}": it isn't there, or this user may not use it`,
        { retryable: wasOpen, cause: error },
      );
    } finally {
      signal.removeEventListener('abort', giveUp);
    }
  }

  private constructor(model: ChannelModel, where: string) {
    this.#model = model;
    this.where = where;
    const { serverProperties, stream } = (model as unknown as Innards).connection;
    this.serverVersion = serverProperties?.version ?? '';
    coalesceWrites(stream);
    this.ended = new Promise((resolve) => (this.#end = resolve));
    model.on('error', (error: Error) => (this.#cause ??= error));
    model.on('close', (error?: Error) => this.#over(error));
    model.on('blocked', () => this.onBlocked?.(true));
    model.on('unblocked', () => this.onBlocked?.(false));
  }

  get isOpen(): boolean {
    return !this.#isEnded && !this.#isClosing;
  }

  /**
   * A channel whose errors are told to `closed`, once, with what the server said: without a listener an error of a
   * channel ends the whole connection.
   * @throws {ConnectionError}
   */
  async channel(closed: (cause: Error) => void): Promise<Channel> {
    return this.#open(() => this.#model.createChannel(), closed);
  }

  /** One for a single purpose, closed once that is done. What fails there has cost the channel, or the connection. */
  async using<T>(use: (channel: Channel) => Promise<T>): Promise<T> {
    const channel = await this.channel(() => undefined);
    const result = await use(channel);
    await closeChannel(channel);
    return result;
  }

  /** The same as `channel`, with publisher confirms. */
  async confirmChannel(closed: (cause: Error) => void): Promise<ConfirmChannel> {
    return this.#open(() => this.#model.createConfirmChannel(), closed);
  }

  /** Says goodbye, for a second at most; resolves once the socket is closed. */
  async close(): Promise<void> {
    if (this.#isEnded) return;
    this.#isClosing = true;
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<void>((resolve) => (timer = setTimeout(resolve, CLOSE_TIMEOUT_MS)));
    await Promise.race([this.#model.close().catch(() => undefined), this.ended, late]);
    clearTimeout(timer);
    this.destroy();
    await this.ended;
  }

  /** Rejects what is pending. */
  destroy(cause: Error = new ConnectionError('The connection to RabbitMQ was closed')): void {
    if (this.#isEnded) return;
    this.#cause ??= cause;
    // With an error, or the driver would take no notice and keep its heartbeat going.
    (this.#model as unknown as Innards).connection.stream.destroy(cause);
    this.#over(cause);
  }

  async #open<T extends Channel>(create: () => Promise<T>, closed: (cause: Error) => void): Promise<T> {
    let cause: Error | undefined;
    try {
      const channel = await create();
      channel.on('error', (error: Error) => (cause = error));
      channel.on('close', () => {
        // When the connection is lost its channels close first, without a cause: who listens wants to know which.
        setImmediate(() => closed(cause ?? this.#cause ?? new ConnectionError('The channel was closed')));
      });
      return channel;
    } catch (error) {
      throw connectionError('Could not open a channel to', this.where, error);
    }
  }

  #over(error: Error | undefined): void {
    if (this.#isEnded) return;
    this.#isEnded = true;
    this.#end(this.#isClosing ? undefined : asError(this.#cause ?? error ?? 'closed by the server'));
  }
}
