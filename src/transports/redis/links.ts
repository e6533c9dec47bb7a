import type { Redis } from 'ioredis';
import { checkLinkSettings, LINK_SETTINGS, whereOf } from './link.ts';
import type { RedisDriver } from './load-driver.ts';
import type { LinkRole, LinkSettings, RedisSettings } from './options.ts';

/** A reader is silent for as long as it blocks; anything longer is a dead socket. */
const READER_MARGIN_MS = 1000;
/** No answer to a command for so long means a dead socket; well below half a lease. */
const COMMAND_SILENCE_MS = 5000;
const DEFAULT_URL = 'redis://localhost:6379';

/** Makes clients that aren't connected yet: from the URL, as copies of a user's client, or by a user's factory. */
export class LinkFactory {
  readonly #settings: RedisSettings;
  readonly #loadDriver: () => Promise<RedisDriver>;
  #whereMade: string | undefined;

  constructor(settings: RedisSettings, loadDriver: () => Promise<RedisDriver>) {
    this.#settings = settings;
    this.#loadDriver = loadDriver;
  }

  /** Where the clients go; of a factory's only once it has made one. */
  get where(): string | undefined {
    const { redis, redisUrl } = this.#settings;
    if (typeof redis === 'function') return this.#whereMade;
    if (redis !== undefined) return whereOf(redis.options);
    const { hostname, port } = new URL(redisUrl ?? DEFAULT_URL);
    return whereOf({ host: hostname || undefined, port: port === '' ? undefined : Number(port) });
  }

  /**
   * @throws {DriverMissingError} when ioredis isn't installed.
   * @throws {ConfigurationError} when a factory's client would reconnect or resend by itself.
   */
  async create(role: LinkRole): Promise<Redis> {
    const { redis, redisUrl, tls } = this.#settings;
    const settings = this.#linkSettings(role);
    if (typeof redis === 'function') {
      const made = redis(role, settings);
      checkLinkSettings(made);
      this.#whereMade = whereOf(made.options);
      return made;
    }
    if (redis !== undefined) return redis.duplicate(settings);
    const driver = await this.#loadDriver();
    const secured = tls === undefined || tls === false ? {} : { tls: tls === true ? {} : tls };
    return new driver.Redis(redisUrl ?? DEFAULT_URL, { ...secured, ...settings });
  }

  #linkSettings(role: LinkRole): LinkSettings {
    const { connectTimeoutMs, blockMs } = this.#settings;
    return {
      ...LINK_SETTINGS,
      connectTimeout: Math.min(connectTimeoutMs, 10_000),
      socketTimeout: role === 'reader' ? blockMs + READER_MARGIN_MS : COMMAND_SILENCE_MS,
      // A template may have these; both would give up commands that the server still carries out.
      commandTimeout: undefined,
      blockingTimeout: undefined,
    };
  }
}
