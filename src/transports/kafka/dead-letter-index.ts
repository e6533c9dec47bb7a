import type { IncomingRecord, KafkaClient, PartitionRange } from './driver.ts';

/** Names the letter whose end a marker is. */
export const SETTLED_HEADER = 'x-settled';
export const LETTER_ID_HEADER = 'x-dead-letter-id';
const GROUP_HEADER = 'x-group';
/** How a letter of eventsource-py's names it. */
const NEIGHBOURS_GROUP_HEADER = 'dlq_consumer_group';
/** After so many in a row a partition has nothing more to show for now. */
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
  /** Where the marker is; undefined until it has been read. */
  readonly #settled = new Map<string, Pick<LetterPlace, 'partition' | 'offset'> | undefined>();
  /** Those that somebody is about to settle. */
  readonly #claimed = new Set<string>();
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

  /** False where it is settled, or somebody is at it; nobody else is at what was claimed until it is let go. */
  claim(id: string): boolean {
    if (this.#settled.has(id) || this.#claimed.has(id)) return false;
    this.#claimed.add(id);
    return true;
  }

  letGo(id: string): void {
    this.#claimed.delete(id);
  }

  /** Notes what has just been marked. */
  settle(id: string, marker = this.#settled.get(id)): void {
    this.#settled.set(id, marker);
    this.#standing.delete(id);
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
    for (const range of ranges) {
      this.#forgetRemoved(range);
      await this.#readOn(range);
    }
  }

  /** What retention has taken, letters and markers alike: a letter goes before its marker does. */
  #forgetRemoved({ partition, low }: PartitionRange): void {
    for (const letter of this.#standing.values())
      if (letter.partition === partition && letter.offset < low) this.#standing.delete(letter.id);
    for (const [id, marker] of this.#settled)
      if (marker?.partition === partition && marker.offset < low) this.#settled.delete(id);
  }

  async #readOn({ partition, low, high }: PartitionRange): Promise<void> {
    let at = Math.max(low, this.#readUpTo.get(partition) ?? 0);
    // A busy broker may answer late. What it doesn't show again and again somebody is writing in a transaction: it is read
    // at a later call, once that has ended.
    for (let empty = 0; at < high && empty < EMPTY_ANSWERS;) {
      const { records, next } = await this.#client.read({ topic: this.#topic, partition }, at);
      empty = next > at ? 0 : empty + 1;
      for (const record of records) this.#note(partition, record);
      at = next;
    }
    this.#readUpTo.set(partition, at);
  }

  #note(partition: number, record: IncomingRecord): void {
    const id = letterId(partition, record);
    if (record.value === null && record.headers.names.includes(SETTLED_HEADER)) {
      this.settle(id, { partition, offset: record.offset });
    } else if (!this.#settled.has(id) && !this.#standing.has(id))
      this.#standing.set(id, {
        id,
        group: groupOf(record),
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

/** A neighbour's message may have a header of its own that is called like ours. */
function groupOf({ headers }: IncomingRecord): string | undefined {
  const isOurs = headers.get(LETTER_ID_HEADER) !== undefined;
  return (isOurs ? undefined : headers.get(NEIGHBOURS_GROUP_HEADER)) ?? headers.get(GROUP_HEADER);
}

/** That of a neighbour's letter, which has none, are its coordinates. */
export function letterId(partition: number, { headers, offset }: IncomingRecord): string {
  return headers.get(LETTER_ID_HEADER) ?? `${partition}:${offset}`;
}

/** Orders letters as they were stored; within one partition exactly so. */
export function byAge(a: Omit<LetterPlace, 'id' | 'group'>, b: Omit<LetterPlace, 'id' | 'group'>): number {
  return a.timestamp - b.timestamp || a.partition - b.partition || a.offset - b.offset;
}
