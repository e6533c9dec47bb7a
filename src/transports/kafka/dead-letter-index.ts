import type { IncomingRecord, KafkaClient } from './driver.ts';

/** Names the letter whose end a marker is. */
export const SETTLED_HEADER = 'x-settled';
export const LETTER_ID_HEADER = 'x-dead-letter-id';
const GROUP_HEADER = 'x-group';
/** After so many in a row a partition has nothing more to show. */
const EMPTY_ANSWERS = 3;

/** Where a letter is, and whose. */
export interface LetterPlace {
  readonly id: string;
  readonly group: string | undefined;
  readonly partition: number;
  readonly offset: number;
  readonly timestamp: number;
}

/**
 * Which records of the topic are letters that stand. A log can't delete: a letter's end is another record, the marker,
 * without a value; and what was stored twice counts once. Reads on from where it stood at the last call.
 */
export class DeadLetterIndex {
  readonly #client: KafkaClient;
  readonly #topic: string;
  readonly #standing = new Map<string, LetterPlace>();
  readonly #settled = new Set<string>();
  readonly #readUpTo = new Map<number, number>();
  #turns: Promise<unknown> = Promise.resolve();

  constructor(client: KafkaClient, topic: string) {
    this.#client = client;
    this.#topic = topic;
  }

  /** Those that stand at the call, oldest first. */
  letters(): Promise<LetterPlace[]> {
    const turn = this.#turns.then(async () => {
      await this.#catchUp();
      return [...this.#standing.values()].toSorted(byAge);
    });
    this.#turns = turn.catch(() => undefined);
    return turn;
  }

  /** Notes what has just been marked. */
  settle(id: string): boolean {
    this.#settled.add(id);
    return this.#standing.delete(id);
  }

  isSettled(id: string): boolean {
    return this.#settled.has(id);
  }

  async #catchUp(): Promise<void> {
    if ((await this.#client.missing([this.#topic])).length > 0) {
      this.#reset();
      return;
    }
    const ranges = await this.#client.ranges(this.#topic);
    // Made anew since.
    if (ranges.some(({ partition, high }) => (this.#readUpTo.get(partition) ?? 0) > high)) this.#reset();
    for (const { partition, low, high } of ranges) {
      for (const letter of this.#standing.values())
        if (letter.partition === partition && letter.offset < low) this.#standing.delete(letter.id);
      let at = Math.max(low, this.#readUpTo.get(partition) ?? 0);
      let empty = 0;
      while (at < high) {
        const records = await this.#client.read({ topic: this.#topic, partition }, at);
        // A busy broker may answer late; what it doesn't show again and again is a marker before the end.
        if (records.length === 0 && ++empty < EMPTY_ANSWERS) continue;
        if (records.length === 0) break;
        empty = 0;
        for (const record of records) this.#note(partition, record);
        at = records.at(-1)!.offset + 1;
      }
      this.#readUpTo.set(partition, Math.max(at, high));
    }
  }

  #note(partition: number, record: IncomingRecord): void {
    const id = letterId(partition, record);
    if (record.value === null && record.headers.names.includes(SETTLED_HEADER)) this.settle(id);
    else if (!this.#settled.has(id) && !this.#standing.has(id))
      this.#standing.set(id, {
        id,
        group: record.headers.get(GROUP_HEADER),
        partition,
        offset: record.offset,
        timestamp: record.timestamp,
      });
  }

  #reset(): void {
    this.#standing.clear();
    this.#settled.clear();
    this.#readUpTo.clear();
  }
}

/** That of a neighbour's letter, which has none, are its coordinates. */
export function letterId(partition: number, { headers, offset }: IncomingRecord): string {
  return headers.get(LETTER_ID_HEADER) ?? `${partition}:${offset}`;
}

/** Orders letters as they were stored; within one partition exactly so. */
export function byAge(a: Omit<LetterPlace, 'id' | 'group'>, b: Omit<LetterPlace, 'id' | 'group'>): number {
  return a.timestamp - b.timestamp || a.partition - b.partition || a.offset - b.offset;
}
