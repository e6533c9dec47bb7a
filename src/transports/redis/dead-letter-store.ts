import type { Redis } from 'ioredis';
import type { Headers } from '../../contracts/message.ts';
import type { DeadLetterStore, StoredDeadLetter } from '../../contracts/transport.ts';
import { ConnectionError } from '../../errors.ts';
import { fromBufferFields, headerFields } from './message-fields.ts';
import type { RedisNames } from './names.ts';
import { COUNT_DEAD_LETTERS, IDS_PER_CALL, REPLAY } from './scripts.ts';
import { driverError } from './server-errors.ts';

const PAGE = 500;
/** Stands for every group. */
export const ALL_GROUPS = '*';

/** Dead letters of all groups in one stream; those of eventsource-py name no group and are listed for `'*'` only. */
export class RedisDeadLetterStore implements DeadLetterStore {
  readonly #redis: Redis;
  readonly #names: RedisNames;

  constructor(redis: Redis, names: RedisNames) {
    this.#redis = redis;
    this.#names = names;
  }

  async *browse({
    group,
    after,
  }: Parameters<DeadLetterStore['browse']>[0]): AsyncGenerator<readonly StoredDeadLetter[]> {
    const { deadLetters } = this.#names;
    const [newest] = await this.#ask('list', () => this.#redis.xrevrange(deadLetters, '+', '-', 'COUNT', 1));
    if (newest === undefined) return;
    const [until] = newest;
    for (let from = after === undefined ? '-' : `(${after}`; ;) {
      const start = from;
      const page = await this.#ask('list', () =>
        this.#redis.xrangeBuffer(deadLetters, start, until, 'COUNT', PAGE),
      );
      yield page
        .map(([id, fields]) => ({ position: id.toString(), message: fromBufferFields(fields) }))
        .filter(({ message }) => group === ALL_GROUPS || message.headers['x-group'] === group);
      const last = page.at(-1)?.[0].toString();
      if (last === undefined || last === until || page.length < PAGE) return;
      from = `(${last}`;
    }
  }

  depth(group: string): Promise<number> {
    return this.#ask('count', async () => {
      if (group === ALL_GROUPS) return this.#redis.xlen(this.#names.deadLetters);
      let depth = 0;
      for (let cursor = '-'; cursor !== '';) {
        const keys = [this.#names.deadLetters];
        const reply = await COUNT_DEAD_LETTERS.run(this.#redis, keys, [group, cursor, PAGE]);
        const [count, next] = reply as [number, string];
        depth += count;
        cursor = next;
      }
      return depth;
    });
  }

  /** A record that names no group goes to the main stream, where every group reads it, as eventsource-py does it. */
  replay(letter: StoredDeadLetter, headers: Headers): Promise<boolean> {
    return this.#ask('replay', async () => {
      const group = letter.message.headers['x-group'] ?? headers['x-group'];
      const destination = group === undefined ? this.#names.stream : this.#names.replays(group);
      const keys = [this.#names.deadLetters, destination];
      return (await REPLAY.run(this.#redis, keys, [letter.position, ...headerFields(headers)])) === 1;
    });
  }

  remove(letters: readonly StoredDeadLetter[]): Promise<number> {
    return this.#ask('remove', async () => {
      let removed = 0;
      for (let at = 0; at < letters.length; at += IDS_PER_CALL) {
        const ids = letters.slice(at, at + IDS_PER_CALL).map((letter) => letter.position);
        removed += await this.#redis.xdel(this.#names.deadLetters, ...ids);
      }
      return removed;
    });
  }

  async #ask<T>(doing: string, command: () => Promise<T>): Promise<T> {
    try {
      return await command();
    } catch (error) {
      const cause = driverError(error);
      throw new ConnectionError(`Could not ${doing} dead letters: ${cause.message}`, { cause });
    }
  }
}
