import type { Redis } from 'ioredis';
import type { Headers } from '../../contracts/message.ts';
import { ConnectionError, EventBusError } from '../../errors.ts';
import type { DeliveryLedger, RedisDelivery } from './delivery.ts';
import { Held } from './held.ts';
import { headerFields, toFields } from './message-fields.ts';
import { compareIds, RELEASED, type RedisNames } from './names.ts';
import { DEAD_LETTER, IDS_PER_CALL, RELEASE, RENEW } from './scripts.ts';
import { driverError } from './server-errors.ts';

/** How long a stored dead letter is remembered, for a repeated call after a lost reply. */
const MARKER_TTL_MS = 600_000;

/** Whose entries a ledger keeps, and whom it tells. */
export interface LedgerOwner {
  readonly names: RedisNames;
  readonly group: string;
  readonly consumer: string;
  readonly pendingIdleMs: number;
  /** Most entries of one read. */
  readonly batchSize: number;
  /** Something was settled or stored; called at most a few times a tick. */
  changed(): void;
  /** Acks came when somebody else had acknowledged already. */
  lateAcks(count: number): void;
  /** So many entries are ours for longer. */
  renewed(count: number): void;
}

interface ReleaseOrder {
  readonly delivery: RedisDelivery;
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
}

/**
 * Every entry of one stream that was pulled and isn't settled, and every settlement ordered and not yet stored.
 * It outlives connections: entries stay pending under our consumer name, so an ack whose reply was lost is repeated
 * over the next one.
 */
export class StreamLedger implements DeliveryLedger {
  readonly stream: string;
  readonly held = new Held();
  readonly #owner: LedgerOwner;
  /** Replays are read by one group only: nobody needs an acknowledged entry any more. */
  readonly #deletesAcked: boolean;
  #redis: Redis | undefined;
  #acks: string[] = [];
  #acksSent: readonly string[] = [];
  /** Replies were lost, so acks may be stored that we repeat. */
  #repeatsAcks = false;
  #releases: ReleaseOrder[] = [];
  #scripts = 0;
  #isScheduled = false;
  readonly #flush = () => this.#flushNow();

  constructor(stream: string, owner: LedgerOwner, deletesAcked: boolean) {
    this.stream = stream;
    this.#owner = owner;
    this.#deletesAcked = deletesAcked;
  }

  /** Acks ordered whose reply hasn't come. */
  get unstoredAcks(): number {
    return this.#acks.length + this.#acksSent.length;
  }

  get isStored(): boolean {
    return this.unstoredAcks + this.#releases.length + this.#scripts === 0;
  }

  /** Ids that need no claim: in hand, or about to be acknowledged. */
  knownIds(): ReadonlySet<string> {
    const held = [...this.held].map(({ position }) => position);
    return new Set([...held, ...this.#acks, ...this.#acksSent]);
  }

  attach(redis: Redis): void {
    this.#redis = redis;
    this.#flushNow();
  }

  detach(): void {
    this.#redis = undefined;
    this.#flushNow();
  }

  ack(delivery: RedisDelivery): void {
    if (!this.held.remove(delivery)) return;
    this.#acks.push(delivery.position);
    // There is room for a whole read: the server works on it, and on the acks, while what is in hand is handled.
    if (this.#acks.length === this.#owner.batchSize) this.#flushNow();
    else this.#schedule();
  }

  release(delivery: RedisDelivery): Promise<void> {
    if (!delivery.isHeld) return Promise.resolve();
    delivery.isSettling = true;
    return new Promise((resolve, reject) => {
      this.#releases.push({ delivery, resolve, reject });
      this.#schedule();
    });
  }

  abandon(delivery: RedisDelivery): void {
    if (this.held.remove(delivery)) this.#owner.changed();
  }

  async deadLetter(delivery: RedisDelivery, headers: Headers): Promise<void> {
    const id = delivery.position;
    if (!delivery.isHeld) throw notOurs(id);
    const redis = this.#connected();
    const { names, group, consumer } = this.#owner;
    const keys = [this.stream, names.deadLetters, names.deadLetterMarker(headers['x-dead-letter-id'] ?? id)];
    const ours = headerFields(headers);
    const args = [
      group,
      consumer,
      id,
      MARKER_TTL_MS,
      this.#deletesAcked ? 'delete' : '',
      ours.length,
      ...ours,
    ];
    delivery.isSettling = true;
    this.#scripts++;
    try {
      let stored = await DEAD_LETTER.run(redis, keys, args);
      if (stored === -1)
        stored = await DEAD_LETTER.run(redis, keys, [...args, ...toFields(delivery.message)]);
      if (stored === 0) {
        this.#lost(id);
        throw notOurs(id);
      }
      this.held.remove(delivery);
    } catch (error) {
      if (error instanceof EventBusError) throw error;
      const cause = driverError(error);
      throw new ConnectionError(`Could not dead-letter ${id}: ${cause.message}`, { cause });
    } finally {
      delivery.isSettling = false;
      this.#scripts--;
      this.#owner.changed();
    }
  }

  /** Keeps others from claiming what is in hand; tells of what somebody has claimed nevertheless. */
  async renew(): Promise<void> {
    this.#flushNow();
    const redis = this.#redis;
    if (redis === undefined) return;
    const ids: string[] = [];
    for (const delivery of this.held) if (!delivery.isSettling) ids.push(delivery.position);
    ids.sort(compareIds);
    const { group, consumer } = this.#owner;
    for (let at = 0; at < ids.length; at += IDS_PER_CALL) {
      const chunk = ids.slice(at, at + IDS_PER_CALL);
      const lost = (await RENEW.run(redis, [this.stream], [group, consumer, ...chunk])) as string[];
      for (const id of lost.reverse()) this.#lost(id);
      if (lost.length > 0) this.#owner.changed();
      if (chunk.length > lost.length) this.#owner.renewed(chunk.length - lost.length);
    }
  }

  #lost(id: string): void {
    const delivery = this.held.find(id);
    if (delivery === undefined) return;
    this.held.remove(delivery);
    const { holder } = delivery;
    delivery.holder = undefined;
    holder?.lost();
  }

  #connected(): Redis {
    if (this.#redis === undefined) throw new ConnectionError('Redis is not connected');
    return this.#redis;
  }

  /** Runs when the current burst of microtasks has ended: whatever was settled in it goes out in one command. */
  #schedule(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    process.nextTick(this.#flush);
  }

  #flushNow(): void {
    this.#isScheduled = false;
    if (this.#releases.length > 0) void this.#flushReleases(this.#releases.splice(0));
    // One command on its way at a time: while the server syncs its log, the next one grows.
    if (this.#redis !== undefined && this.#acksSent.length === 0 && this.#acks.length > 0)
      void this.#flushAcks(this.#redis);
    this.#owner.changed();
  }

  async #flushAcks(redis: Redis): Promise<void> {
    const ids = this.#acks.length <= IDS_PER_CALL ? this.#acks : this.#acks.slice(0, IDS_PER_CALL);
    this.#acks = ids === this.#acks ? [] : this.#acks.slice(IDS_PER_CALL);
    this.#acksSent = ids;
    try {
      const acked = redis.xack(this.stream, this.#owner.group, ...ids);
      if (this.#deletesAcked) void redis.xdel(this.stream, ...ids).catch(() => undefined);
      const late = ids.length - (await acked);
      this.#acksSent = [];
      if (late > 0 && !this.#repeatsAcks) this.#owner.lateAcks(late);
      if (this.#acks.length === 0) this.#repeatsAcks = false;
    } catch {
      // On a lost socket it goes out over the next one; after a server error, with the next renewal at the latest.
      this.#acks = [...ids, ...this.#acks];
      this.#acksSent = [];
      this.#repeatsAcks = true;
      if (this.#redis === redis) return;
    }
    this.#flushNow();
  }

  async #flushReleases(orders: readonly ReleaseOrder[]): Promise<void> {
    const { group, consumer, pendingIdleMs } = this.#owner;
    this.#scripts++;
    for (let at = 0; at < orders.length; at += IDS_PER_CALL) {
      const chunk = orders.slice(at, at + IDS_PER_CALL);
      const ids = chunk.map((order) => order.delivery.position);
      try {
        await RELEASE.run(
          this.#connected(),
          [this.stream],
          [group, consumer, RELEASED, pendingIdleMs, ...ids],
        );
        for (const { delivery, resolve } of chunk) {
          this.held.remove(delivery);
          delivery.isSettling = false;
          resolve();
        }
      } catch (error) {
        const cause = driverError(error);
        for (const { delivery, reject } of chunk) {
          // In hand it would be ours for as long as this process lives: nobody here has it, and nobody else would get it.
          this.held.remove(delivery);
          delivery.isSettling = false;
          reject(new ConnectionError(`Could not release ${delivery.position}`, { cause }));
        }
      }
    }
    this.#scripts--;
    this.#owner.changed();
  }
}

function notOurs(id: string): EventBusError {
  return new EventBusError(`The entry ${id} belongs to another consumer by now.`, { code: 'NOT_OWNED' });
}
