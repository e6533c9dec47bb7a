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
    try {
      const [count] = (await this.#redis.xpending(this.stream, this.#group)) as [number];
      return count;
    } catch (error) {
      if (error instanceof Error && /NOGROUP|no such key/.test(error.message)) return 0;
      throw error;
    }
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

function eventId([, fields]: Entry): string {
  return fields[fields.indexOf('event_id') + 1] ?? '';
}
