import type { Redis } from 'ioredis';
import type { TransportNotice } from '../../contracts/transport-notice.ts';
import type { RedisNames } from './names.ts';
import type { RedisSettings } from './options.ts';
import { LEAVE } from './scripts.ts';
import { StreamLedger } from './stream-ledger.ts';
import type { LedgerOwner } from './stream-ledger.ts';

/**
 * What one consumer of one group has in hand, over the main stream and the group's replays, for as long as the
 * transport lives. While attached to a connection it renews its leases and the sign that its process is alive; these
 * are the only timers, and `detach()` clears them.
 */
export class Ledger implements LedgerOwner {
  readonly names: RedisNames;
  readonly group: string;
  readonly consumer: string;
  readonly pendingIdleMs: number;
  readonly batchSize: number;
  readonly main: StreamLedger;
  readonly replays: StreamLedger;
  /** Room may have been made; the source reads on. */
  onChange: (() => void) | undefined;
  notice: ((notice: TransportNotice) => void) | undefined;
  readonly #window: number;
  #redis: Redis | undefined;
  #renewal: NodeJS.Timeout | undefined;
  #waiting: (() => void)[] = [];

  constructor(
    names: RedisNames,
    group: string,
    consumer: string,
    { pendingIdleMs, batchSize }: Pick<RedisSettings, 'pendingIdleMs' | 'batchSize'>,
  ) {
    this.names = names;
    this.group = group;
    this.consumer = consumer;
    this.pendingIdleMs = pendingIdleMs;
    this.batchSize = batchSize;
    this.#window = 2 * batchSize;
    this.main = new StreamLedger(names.stream, this, false);
    this.replays = new StreamLedger(names.replays(group), this, true);
  }

  get streams(): readonly StreamLedger[] {
    return [this.main, this.replays];
  }

  /** Entries in hand. */
  get held(): number {
    return this.main.held.size + this.replays.held.size;
  }

  /** Places of the window in use; acks count where the server is more than two windows behind with them. */
  get occupied(): number {
    const unstored = this.main.unstoredAcks + this.replays.unstoredAcks;
    return this.held + Math.max(0, unstored - 2 * this.#window);
  }

  /** Goes on with a new connection: sends what is ordered. */
  attach(redis: Redis): void {
    this.#redis = redis;
    for (const stream of this.streams) stream.attach(redis);
  }

  /** The same after a loss: what is in hand stays ours, also while a drain lets it end and nobody reads any more. */
  resume(redis: Redis): void {
    this.attach(redis);
    if (this.held > 0) void this.live().catch(ignoreUntilNextTime);
  }

  /** Others still take this consumer for alive. */
  get isLiving(): boolean {
    return this.#renewal !== undefined;
  }

  isAttachedTo(redis: Redis): boolean {
    return this.#redis === redis;
  }

  /** Nothing can be stored until the next `attach`. */
  detach(): void {
    this.#redis = undefined;
    this.rest();
    for (const stream of this.streams) stream.detach();
  }

  /** Shows that this consumer lives, and keeps showing it; resolves once it is known to the others. */
  async live(): Promise<void> {
    this.rest();
    await this.#showLife();
    await Promise.all(this.streams.map((stream) => stream.renew().catch(ignoreUntilNextTime)));
    if (this.#redis === undefined || this.#renewal !== undefined) return;
    const tick = () => {
      void this.#showLife().catch(ignoreUntilNextTime);
      for (const stream of this.streams) void stream.renew().catch(ignoreUntilNextTime);
    };
    this.#renewal = setInterval(tick, Math.ceil(this.pendingIdleMs / 3));
  }

  /** Stops renewing. */
  rest(): void {
    clearInterval(this.#renewal);
    this.#renewal = undefined;
  }

  /** Resolves once every settlement ordered is stored, over the next connection if need be. */
  async stored(): Promise<void> {
    while (!this.isStored) {
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
  }

  get isStored(): boolean {
    return this.main.isStored && this.replays.isStored;
  }

  /** Gives up our place in the group where nothing is pending, and the sign of life in any case. */
  async leave(): Promise<void> {
    this.rest();
    if (this.#redis === undefined) return;
    const liveness = this.names.liveness(this.group, this.consumer);
    await LEAVE.run(
      this.#redis,
      [liveness, ...this.streams.map((s) => s.stream)],
      [this.group, this.consumer],
    );
  }

  changed(): void {
    for (const resolve of this.#waiting.splice(0)) resolve();
    this.onChange?.();
  }

  lateAcks(count: number): void {
    this.notice?.({
      kind: 'late-ack',
      count,
      detail: 'acknowledged after somebody else had taken them over, or after the stream was deleted',
    });
  }

  renewed(count: number): void {
    this.notice?.({ kind: 'leases-renewed', count, detail: 'are ours for longer', isRepeated: true });
  }

  async #showLife(): Promise<void> {
    // One renewal may be missed.
    const ttlMs = Math.ceil((this.pendingIdleMs * 2) / 3);
    await this.#redis?.set(this.names.liveness(this.group, this.consumer), '1', 'PX', ttlMs);
  }
}

/** A lost socket ends the connection elsewhere; a missing group is made again by the reader. */
function ignoreUntilNextTime(): void {}
