import type { Redis } from 'ioredis';
import type { Claims } from './claims.ts';
import type { Ledger } from './ledger.ts';
import type { RedisSettings } from './options.ts';
import { TRIM_HANDLED } from './scripts.ts';

/** Looks now and then for entries that nobody works on, and trims the stream where that is asked for. */
export class Sweeper {
  readonly #redis: Redis;
  readonly #ledger: Ledger;
  readonly #settings: RedisSettings;
  readonly #claims: Claims;
  #timer: NodeJS.Timeout | undefined;
  #isOn = false;
  #round: Promise<void> | undefined;

  constructor(redis: Redis, ledger: Ledger, settings: RedisSettings, claims: Claims) {
    this.#redis = redis;
    this.#ledger = ledger;
    this.#settings = settings;
    this.#claims = claims;
  }

  start(): void {
    this.#isOn = true;
    this.#schedule();
  }

  /** Resolves once no round is under way. */
  async stop(): Promise<void> {
    this.#isOn = false;
    clearTimeout(this.#timer);
    await this.#round;
  }

  #schedule(): void {
    clearTimeout(this.#timer);
    if (!this.#isOn || this.#round !== undefined) return;
    const { blockMs, pendingIdleMs } = this.#settings;
    // As often as an idle read returns, so that what was given back is soon taken; jittered, so that consumers that
    // started together don't sweep together.
    const periodMs = Math.min(blockMs, pendingIdleMs / 2) * (0.75 + Math.random() / 2);
    this.#timer = setTimeout(() => {
      this.#round = this.#sweep().finally(() => {
        this.#round = undefined;
        this.#schedule();
      });
    }, periodMs);
  }

  async #sweep(): Promise<void> {
    try {
      await this.#claims.sweep();
      if (this.#settings.trim === 'handled') {
        await TRIM_HANDLED.run(this.#redis, [this.#ledger.main.stream], []);
      }
    } catch {
      // A lost socket ends the connection, a missing group is made again by the read; the next round does the rest.
    }
  }
}
