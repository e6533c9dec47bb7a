import type { Message } from 'buschart/transport';
import { Journal } from './journal.ts';
import { fromStored, toStored, type StoredMessage } from './stored-message.ts';

/** One message in one group, as long as it isn't settled. A new one each time that it is handed out. */
export interface Place {
  /** In the log that all groups read, or among this group's replays. */
  readonly in: 'log' | 'replays';
  readonly line: number;
  /** It came back unsettled before. */
  readonly isReturned: boolean;
}

/** Takes what a group has; the one that waits longest is served first. */
export interface Taker {
  /** There is something to {@link Group.take}. */
  wake(): void;
}

/** A line of a group's journal: a place that is settled, or a message that came back for this group alone. */
type GroupRecord =
  { readonly settled: string } | { readonly replay: StoredMessage } | { readonly founded: string };

/**
 * What one group has yet to be handed, and what it holds unsettled. Its journal has a line for each settlement; where a
 * process died before, the next one begins with what has no such line.
 */
export class Group {
  readonly name: string;
  readonly #log: Journal;
  readonly #journal: Journal;
  /** The first line of the log that was never handed out, and those behind it that are settled nevertheless. */
  #next = 0;
  readonly #settledAhead: Set<number>;
  #replays: number[];
  #returned: Place[] = [];
  readonly #held = new Set<Place>();
  readonly #takers = new Set<Taker>();
  /** Settlements asked for and not yet on the disk. */
  #unsaved: GroupRecord[] = [];
  #saving: Promise<void> | undefined = undefined;

  private constructor(
    name: string,
    files: { readonly log: Journal; readonly journal: Journal },
    read: { readonly settled: ReadonlySet<string>; readonly replays: readonly number[] },
  ) {
    this.name = name;
    this.#log = files.log;
    this.#journal = files.journal;
    const settled = [...read.settled].filter((place) => place.startsWith('log '));
    this.#settledAhead = new Set(settled.map((place) => Number(place.slice('log '.length))));
    this.#replays = read.replays.filter((line) => !read.settled.has(`replays ${line}`));
  }

  /** Makes the group where there is none; it begins with the first message of the log. */
  static async open(name: string, log: Journal, path: string): Promise<Group> {
    const settled = new Set<string>();
    const replays: number[] = [];
    const journal = await Journal.open(path, (record, line) => {
      const read = record as GroupRecord;
      if ('settled' in read) settled.add(read.settled);
      if ('replay' in read) replays.push(line);
    });
    if (journal.length === 0) await journal.append([{ founded: name } satisfies GroupRecord]);
    return new Group(name, { log, journal }, { settled, replays });
  }

  /** Handed out and not settled. */
  get held(): number {
    return this.#held.size;
  }

  get takers(): number {
    return this.#takers.size;
  }

  /** Still to be handed out. */
  get lag(): number {
    const unread = this.#log.length - this.#next - this.#settledAhead.size;
    return unread + this.#returned.length + this.#replays.length;
  }

  join(taker: Taker): void {
    this.#takers.add(taker);
  }

  leave(taker: Taker): void {
    this.#takers.delete(taker);
  }

  wake(): void {
    for (const taker of [...this.#takers]) taker.wake();
  }

  /** What came back goes first, in its old order. */
  take(taker: Taker, count: number): Place[] {
    const taken: Place[] = this.#returned.splice(0, count);
    for (const line of this.#replays.splice(0, count - taken.length))
      taken.push({ in: 'replays', line, isReturned: false });
    for (; taken.length < count && this.#next < this.#log.length; this.#next++)
      if (!this.#settledAhead.delete(this.#next))
        taken.push({ in: 'log', line: this.#next, isReturned: false });
    for (const place of taken) this.#held.add(place);
    if (taken.length > 0 && this.#takers.delete(taker)) this.#takers.add(taker);
    return taken;
  }

  async read(places: readonly Place[]): Promise<Message[]> {
    const messages: Message[] = [];
    for (let at = 0; at < places.length;) {
      const first = places[at] as Place;
      let count = 1;
      while (places[at + count]?.in === first.in && places[at + count]?.line === first.line + count) count++;
      const file = first.in === 'log' ? this.#log : this.#journal;
      for (const record of await file.read(first.line, first.line + count))
        messages.push(
          fromStored(
            first.in === 'log' ? (record as StoredMessage) : (record as { replay: StoredMessage }).replay,
          ),
        );
      at += count;
    }
    return messages;
  }

  /** False when it isn't held any more: then it is another's to settle, or settled already. */
  settle(place: Place): boolean {
    if (!this.#held.delete(place)) return false;
    this.#unsaved.push({ settled: `${place.in} ${place.line}` });
    return true;
  }

  /** As {@link settle}; nothing has to be written, for what isn't settled is handed out again in any case. */
  giveBack(place: Place): boolean {
    if (!this.#held.delete(place)) return false;
    this.#returned.push({ ...place, isReturned: true });
    this.#returned.sort((one, other) => one.in.localeCompare(other.in) || one.line - other.line);
    this.wake();
    return true;
  }

  /** Resolves once every settlement asked for is on the disk; what the disk refuses is kept for the next call. */
  save(): Promise<void> {
    if (this.#unsaved.length > 0) this.#saving ??= this.#save();
    return this.#saving ?? Promise.resolve();
  }

  /** Hands a message to this group alone; resolves once it is on the disk. */
  async replay(message: Message): Promise<void> {
    this.#replays.push(await this.#journal.append([{ replay: toStored(message) } satisfies GroupRecord]));
    this.wake();
  }

  async close(): Promise<void> {
    await this.#journal.close();
  }

  async #save(): Promise<void> {
    try {
      while (this.#unsaved.length > 0) {
        const records = [...this.#unsaved];
        await this.#journal.append(records);
        this.#unsaved.splice(0, records.length);
      }
    } finally {
      this.#saving = undefined;
    }
  }
}
