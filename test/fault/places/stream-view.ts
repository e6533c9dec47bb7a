import type { Redis } from 'ioredis';

type Entry = readonly [position: string, fields: readonly string[]];

/** What Redis itself says of one stream, its dead letters and one group. Waits while the server is away. */
export class StreamView {
  readonly stream: string;
  readonly deadLetterStream: string;
  readonly #redis: Redis;
  readonly #group: string;

  constructor(redis: Redis, prefix: string, group: string) {
    this.stream = `${prefix}:stream`;
    this.deadLetterStream = `${this.stream}_dlq`;
    this.#redis = redis;
    this.#group = group;
  }

  /** Entries handed out and not settled; 0 where there is no such group. */
  async pending(): Promise<number> {
    const [count] = (await withGroup(this.#redis.xpending(this.stream, this.#group), [0])) as [number];
    return count;
  }

  /** Entries not settled, whether they were handed out or not; 0 where there is no such group. */
  async unsettled(): Promise<number> {
    // In this order: what is handed out meanwhile is counted twice, and never not at all.
    const unread = await this.#unread();
    return unread + (await this.pending());
  }

  /** Counted one by one: Redis doesn't know the lag of a group that has lost entries. */
  async #unread(): Promise<number> {
    const groups = (await withGroup(this.#redis.xinfo('GROUPS', this.stream), [])) as string[][];
    const facts = groups.find(([, name]) => name === this.#group);
    if (facts === undefined) return 0;
    const last = facts[facts.indexOf('last-delivered-id') + 1];
    return (await this.#redis.xrange(this.stream, `(${last}`, '+')).length;
  }

  /** Event ids of those, as far as the entries are still there. */
  async pendingEvents(): Promise<string[]> {
    if ((await this.pending()) === 0) return [];
    const pending = (await this.#redis.xpending(this.stream, this.#group, '-', '+', 10_000)) as [string][];
    const found = await Promise.all(pending.map(([entry]) => this.#redis.xrange(this.stream, entry, entry)));
    return found.flat().map(eventId);
  }

  /** With repetitions, where an event was stored twice. */
  async storedEvents(): Promise<string[]> {
    return (await this.#redis.xrange(this.stream, '-', '+')).map(eventId);
  }

  async deadLettered(): Promise<ReadonlySet<string>> {
    return new Set((await this.#redis.xrange(this.deadLetterStream, '-', '+')).map(eventId));
  }
}

async function withGroup<T>(answer: Promise<T>, without: T): Promise<T> {
  try {
    return await answer;
  } catch (error) {
    if (error instanceof Error && /NOGROUP|no such key/.test(error.message)) return without;
    throw error;
  }
}

function eventId([, fields]: Entry): string {
  return fields[fields.indexOf('event_id') + 1] ?? '';
}
