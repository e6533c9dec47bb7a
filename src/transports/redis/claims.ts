import type { Redis } from 'ioredis';
import type { Ledger } from './ledger.ts';
import type { FlatFields } from './message-fields.ts';
import { incarnationPrefix, RELEASED } from './names.ts';
import { CLAIM, IDS_PER_CALL, RECOVER } from './scripts.ts';
import type { StreamLedger } from './stream-ledger.ts';

/** Entries looked at by one call: a longer scan would hold the server up. */
const SCAN = 100;
/** Calls by one sweep and stream; the next sweep goes on from there. */
const PAGES_PER_SWEEP = 20;

/** Entries taken over on one stream. */
export interface Claimed {
  readonly ledger: StreamLedger;
  readonly entries: readonly (readonly [id: string, fields: FlatFields, deliveryCount: number])[];
  /** Entries of the group that are gone from the stream. */
  readonly trimmed: number;
}

type ClaimReply = [cursor: string, taken: Claimed['entries'], trimmed: string[]];

/** Finds entries that nobody works on: left by dead consumers, given back, or swallowed by a lost connection. */
export class Claims {
  readonly #redis: Redis;
  readonly #ledger: Ledger;
  /** Free places for entries. */
  readonly #room: () => number;
  readonly #take: (claimed: Claimed) => void;
  readonly #cursors = new Map<StreamLedger, string>();
  /** Former incarnations of this consumer whose sign of life hasn't expired yet. */
  #formers: readonly string[] = [];

  constructor(redis: Redis, ledger: Ledger, room: () => number, take: (claimed: Claimed) => void) {
    this.#redis = redis;
    this.#ledger = ledger;
    this.#room = room;
    this.#take = take;
  }

  /** Takes up what stands under our own name without our knowing; call it while no read is in flight. */
  async recoverOwn(roomMade: () => Promise<void>): Promise<void> {
    const { group, consumer } = this.#ledger;
    for (const ledger of this.#ledger.streams) {
      const known = ledger.knownIds();
      const unknown: string[] = [];
      for (let cursor = '-'; cursor !== '';) {
        const page = (await this.#redis.xpending(
          ledger.stream,
          group,
          cursor,
          '+',
          IDS_PER_CALL,
          consumer,
        )) as [string][];
        for (const [id] of page) if (!known.has(id)) unknown.push(id);
        cursor = page.length < IDS_PER_CALL ? '' : `(${page.at(-1)?.[0]}`;
      }
      while (unknown.length > 0) {
        await roomMade();
        const ids = unknown.splice(0, Math.min(this.#room(), IDS_PER_CALL));
        this.#accept(ledger, await RECOVER.run(this.#redis, [ledger.stream], [group, consumer, ...ids]));
      }
    }
  }

  /** Takes up what former incarnations of this consumer left, however fresh, and what was given back. */
  async takeUp(roomMade: () => Promise<void>): Promise<void> {
    const living: string[] = [];
    for (const victim of [...(await this.#findFormers()), RELEASED]) {
      for (const ledger of this.#ledger.streams) {
        let cursor: string | undefined = '-';
        do {
          await roomMade();
          cursor = await this.#claim(ledger, victim, cursor);
        } while (cursor !== undefined && cursor !== '-');
        if (cursor === undefined && !living.includes(victim)) living.push(victim);
      }
    }
    this.#formers = living;
  }

  /** One round over what has idled too long, as far as there is room. */
  async sweep(): Promise<void> {
    const finished = new Set(this.#formers);
    for (const ledger of this.#ledger.streams) {
      for (const victim of this.#formers) {
        if (this.#room() < 1 || (await this.#claim(ledger, victim, '-')) !== '-') finished.delete(victim);
      }
      let cursor = this.#cursors.get(ledger) ?? '-';
      for (let page = 0; page < PAGES_PER_SWEEP && this.#room() > 0; page++) {
        cursor = (await this.#claim(ledger, '', cursor)) ?? '-';
        if (cursor === '-') break;
      }
      this.#cursors.set(ledger, cursor);
    }
    this.#formers = this.#formers.filter((victim) => !finished.has(victim));
  }

  /** Returns where to go on, '-' when all was seen, undefined when the victim lives. */
  async #claim(ledger: StreamLedger, victim: string, cursor: string): Promise<string | undefined> {
    const { group, consumer, names, pendingIdleMs } = this.#ledger;
    const isFormer = victim !== '' && victim !== RELEASED;
    const keys = isFormer ? [ledger.stream, names.liveness(group, victim)] : [ledger.stream];
    const minIdleMs = victim === '' ? pendingIdleMs : 0;
    const args = [group, consumer, victim, minIdleMs, this.#room(), SCAN, cursor];
    return this.#accept(ledger, await CLAIM.run(this.#redis, keys, args));
  }

  #accept(ledger: StreamLedger, reply: unknown): string | undefined {
    if (reply === null) return undefined;
    const [cursor, entries, trimmed] = reply as ClaimReply;
    if (entries.length + trimmed.length > 0) this.#take({ ledger, entries, trimmed: trimmed.length });
    return cursor;
  }

  async #findFormers(): Promise<string[]> {
    const { group, consumer } = this.#ledger;
    const prefix = incarnationPrefix(consumer);
    const lists = await Promise.all(
      this.#ledger.streams.map(({ stream }) => this.#redis.xinfo('CONSUMERS', stream, group)),
    );
    // Each consumer is a flat list that begins with 'name'.
    const all = new Set((lists as string[][][]).flat().map((fields) => fields[1] as string));
    return [...all].filter((name) => prefix !== undefined && name !== consumer && name.startsWith(prefix));
  }
}
