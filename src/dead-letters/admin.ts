import type { Clock } from '../contracts/clock.ts';
import type { DeadLetterReason } from '../contracts/settlement.ts';
import type { Headers, Message } from '../contracts/message.ts';
import type { Capabilities, DeadLetterStore, StoredDeadLetter } from '../contracts/transport.ts';
import { ConfigurationError } from '../errors.ts';
import { readDeadLetter, replayHeaders, type DeadLetter } from './dead-letter.ts';

export type { DeadLetter, FailedHandler } from './dead-letter.ts';

/** Which dead letters; all that is given must hold. */
export interface DeadLetterFilter {
  /** Default: the bus's own group; `'*'` for all, where `capabilities.allGroups` is true. */
  readonly group?: string;
  readonly eventType?: string;
  readonly reason?: DeadLetterReason;
  /** Last failed at this time or later. */
  readonly since?: Date;
  /** Last failed before this time. */
  readonly until?: Date;
}

/** Follows what is replayed, for traces. */
export interface ReplayTelemetry {
  /** Undefined while nobody traces. */
  replaying(
    headers: Record<string, string>,
    message: Message,
  ): { readonly headers: Headers; follow<T>(replayed: Promise<T>): Promise<T> } | undefined;
}

export interface ReplayReport {
  /** Dead letters that the filter chose. */
  readonly matched: number;
  readonly replayed: number;
  /** Those that couldn't be replayed; they stay where they are. */
  readonly failed: readonly { readonly id: string; readonly error: unknown }[];
}

/**
 * Looks at, replays and removes dead letters: once for all brokers, over what a transport stores. Every method
 * connects by itself and rejects with ConnectionError when it can't.
 */
export class DeadLetterAdmin {
  readonly #store: () => Promise<DeadLetterStore>;
  readonly #ownGroup: string | undefined;
  readonly #capabilities: Pick<Capabilities, 'allGroups'>;
  readonly #clock: Clock;
  readonly #telemetry: ReplayTelemetry | undefined;

  constructor(
    store: () => Promise<DeadLetterStore>,
    ownGroup: string | undefined,
    capabilities: Pick<Capabilities, 'allGroups'>,
    clock: Clock,
    telemetry?: ReplayTelemetry,
  ) {
    this.#store = store;
    this.#ownGroup = ownGroup;
    this.#capabilities = capabilities;
    this.#clock = clock;
    this.#telemetry = telemetry;
  }

  async count(filter: DeadLetterFilter = {}): Promise<number> {
    const store = await this.#store();
    const { group, ...rest } = filter;
    if (Object.keys(rest).length === 0) return store.depth(this.#groupOf(group));
    let count = 0;
    for await (const stored of this.#matching(store, filter)) count += stored === undefined ? 0 : 1;
    return count;
  }

  /**
   * Oldest first, up to `limit` (100), from behind the cursor `after`.
   * @throws {ConfigurationError} when `limit` isn't an integer of 0 or more.
   */
  async list(
    options: DeadLetterFilter & { readonly limit?: number; readonly after?: string } = {},
  ): Promise<DeadLetter[]> {
    const { limit = 100, after, ...filter } = options;
    if (!Number.isSafeInteger(limit) || limit < 0)
      throw new ConfigurationError(`limit must be an integer of 0 or more, not ${String(limit)}.`);
    const letters: DeadLetter[] = [];
    if (limit === 0) return letters;
    for await (const stored of this.#matching(await this.#store(), filter, after)) {
      letters.push(readDeadLetter(stored));
      if (letters.length >= limit) break;
    }
    return letters;
  }

  /**
   * Hands the message to its group again and removes the dead letter, in one step. It comes after what was published
   * meanwhile. False when there is no such dead letter.
   * @param options.handlers who gets it: those that failed (default), all, or those named. Where none of them is
   *   subscribed it returns to the dead letters as `no-such-handler`.
   */
  async replay(
    id: string,
    options: { readonly handlers?: 'failed' | 'all' | readonly string[] } = {},
  ): Promise<boolean> {
    const store = await this.#store();
    const everywhere = this.#capabilities.allGroups ? { group: '*' } : {};
    for await (const stored of this.#matching(store, everywhere))
      if (readDeadLetter(stored).id === id)
        return await this.#replay(store, stored, options.handlers ?? 'failed');
    return false;
  }

  /**
   * Replays what exists now, oldest first; what fails again meanwhile isn't replayed twice.
   * @param options.ratePerSecond most a second, above 0; unlimited by default.
   * @param options.dryRun only counts what it would replay.
   * @throws {ConfigurationError} when `ratePerSecond` isn't a finite number above 0.
   */
  async replayAll(
    filter: DeadLetterFilter = {},
    options: { readonly ratePerSecond?: number; readonly dryRun?: boolean } = {},
  ): Promise<ReplayReport> {
    const { ratePerSecond, dryRun = false } = options;
    if (ratePerSecond !== undefined && !(Number.isFinite(ratePerSecond) && ratePerSecond > 0))
      throw new ConfigurationError(
        `ratePerSecond must be a number above 0, not ${String(ratePerSecond)}; leave it out for no limit.`,
      );
    const store = await this.#store();
    const failed: { id: string; error: unknown }[] = [];
    let matched = 0;
    let replayed = 0;
    for await (const stored of this.#matching(store, filter)) {
      matched++;
      if (dryRun) continue;
      if (ratePerSecond !== undefined && matched > 1) await this.#wait(1000 / ratePerSecond);
      try {
        if (await this.#replay(store, stored, 'failed')) replayed++;
      } catch (error) {
        failed.push({ id: readDeadLetter(stored).id, error });
      }
    }
    return { matched, replayed, failed };
  }

  /** Removes them for good; returns how many. */
  async purge(filter: DeadLetterFilter = {}): Promise<number> {
    const store = await this.#store();
    let purged = 0;
    for await (const page of store.browse({ group: this.#groupOf(filter.group) })) {
      const matching = page.filter((stored) => isMatch(stored, filter));
      if (matching.length > 0) purged += await store.remove(matching);
    }
    return purged;
  }

  #replay(
    store: DeadLetterStore,
    stored: StoredDeadLetter,
    handlers: 'failed' | 'all' | readonly string[],
  ): Promise<boolean> {
    const headers = replayHeaders(stored, targets(stored, handlers));
    const followed = this.#telemetry?.replaying(headers, stored.message);
    const replayed = store.replay(stored, followed?.headers ?? headers);
    return followed?.follow(replayed) ?? replayed;
  }

  /** Those there are now; what fails meanwhile isn't among them. */
  async *#matching(
    store: DeadLetterStore,
    filter: DeadLetterFilter,
    after?: string,
  ): AsyncGenerator<StoredDeadLetter> {
    for await (const page of store.browse({ group: this.#groupOf(filter.group), after }))
      for (const stored of page) if (isMatch(stored, filter)) yield stored;
  }

  #groupOf(group: string | undefined): string {
    const chosen = group ?? this.#ownGroup;
    if (chosen === undefined)
      throw new ConfigurationError(
        'This bus has no consumerGroup: say whose dead letters are meant, { group: "…" } or { group: "*" } for all.',
      );
    if (chosen === '*' && !this.#capabilities.allGroups)
      throw new ConfigurationError(
        'This broker cannot list the dead letters of all groups at once. Name one: { group: "…" }.',
      );
    return chosen;
  }

  #wait(delayMs: number): Promise<void> {
    return new Promise((resolve) => this.#clock.setTimeout(() => resolve(), delayMs));
  }
}

function targets(
  stored: StoredDeadLetter,
  handlers: 'failed' | 'all' | readonly string[],
): readonly string[] | undefined {
  if (handlers === 'all') return undefined;
  if (handlers !== 'failed') return handlers;
  const failed = readDeadLetter(stored).failedHandlers.map(({ name }) => name);
  // Nobody ran, such as after a decode error: all get it.
  return failed.length === 0 ? undefined : failed;
}

function isMatch(stored: StoredDeadLetter, filter: DeadLetterFilter): boolean {
  const letter = readDeadLetter(stored);
  return (
    (filter.eventType === undefined || letter.eventType === filter.eventType) &&
    (filter.reason === undefined || letter.reason === filter.reason) &&
    (filter.since === undefined || letter.lastFailedAt >= filter.since) &&
    (filter.until === undefined || letter.lastFailedAt < filter.until)
  );
}
