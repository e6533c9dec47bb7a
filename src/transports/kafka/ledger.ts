import type { TopicPartition } from './driver.ts';
import { encodeFinished, MOST_BEHIND } from './finished.ts';
import { Unread } from './unread.ts';

/** One record in the ledger of its partition. */
export interface LedgerEntry {
  readonly offset: number;
  /** Where reading goes on behind it; not always the next number. */
  readonly next: number;
  /** Handled, or dead-lettered and acknowledged. */
  isDone: boolean;
  /** Handed out, and neither settled nor given up. */
  isHeld: boolean;
}

/** What a commit says. */
export interface Watermark {
  readonly offset: number;
  readonly metadata: string;
}

/**
 * What one member knows of one partition, from its assignment until it is taken away. Its watermark is the offset before
 * which everything is done; offsets may have gaps.
 */
export class PartitionLedger<Entry extends LedgerEntry> {
  readonly place: TopicPartition;
  /** Reading rests because another window is unread. */
  isFull = false;
  readonly unread = new Unread();
  #open = 0;
  #entries: LedgerEntry[] = [];
  #head = 0;
  /** -1 until the first record says where the log begins. */
  #mark: number;
  /** Where reading stands; -1 after the group was dealt out anew, when it goes back to what is committed. */
  #end = -1;
  /** Done or in hand, and not read again yet. */
  readonly #known = new Map<number, LedgerEntry>();
  /** Where reading stood when it last met nothing but what isn't shown: aborted transactions, markers, compacted records. */
  #passed = -1;
  #isChanged = false;

  constructor(place: TopicPartition, committed: number, finished: readonly number[]) {
    this.place = place;
    this.#mark = committed;
    for (const offset of finished)
      this.#known.set(offset, { offset, next: offset + 1, isDone: true, isHeld: false });
  }

  /** Handed out and not settled. */
  get open(): number {
    return this.#open;
  }

  /** Whether so much waits that no more may be read: `window` in hand, or too much done behind one that isn't. */
  hasRoom(window: number): boolean {
    return this.#open < window && this.#entries.length - this.#head < MOST_BEHIND;
  }

  /** Whether this was read before although nobody went back: the log isn't the one it was. */
  isBehind(offset: number): boolean {
    return offset < this.#end;
  }

  /** True when it is done or in hand already, and not to be handed out again. */
  recognises(offset: number): boolean {
    if (this.#known.size === 0) return false;
    const entry = this.#known.get(offset);
    if (entry === undefined) return false;
    this.#known.delete(offset);
    this.#add(entry);
    if (entry.isDone) this.#advance();
    return true;
  }

  /** Notes a record that is about to be handed out. */
  add(entry: Entry): void {
    this.#open++;
    this.#add(entry);
  }

  /** Reading has come to `next` without a record to hand out. */
  passOver(next: number): void {
    this.#passed = next;
    this.#end = Math.max(this.#end, next);
    this.#catchUp();
  }

  settle(entry: Entry): void {
    this.#open--;
    entry.isHeld = false;
    entry.isDone = true;
    this.#isChanged = true;
    if (this.#entries[this.#head] === entry) this.#advance();
  }

  /** Given up: it stays undone, so that its offset is never passed. */
  forget(entry: Entry): void {
    this.#open--;
    entry.isHeld = false;
  }

  /** Newest first. */
  held(): readonly Entry[] {
    const entries = [...this.#entries.slice(this.#head), ...this.#known.values()];
    return entries.filter(({ isHeld }) => isHeld).reverse() as Entry[];
  }

  /** Reading begins once more at what is committed; what is done or in hand is recognised then. */
  rewind(): void {
    for (const entry of this.#entries.slice(this.#head))
      if (entry.isDone || entry.isHeld) this.#known.set(entry.offset, entry);
    this.#entries = [];
    this.#head = 0;
    this.#end = this.#passed = -1;
    this.unread.clear();
  }

  /** What is to be committed since the last call; undefined when nothing is. */
  takeChange(): Watermark | undefined {
    if (!this.#isChanged || this.#mark < 0) return undefined;
    this.#isChanged = false;
    const finished: number[] = [];
    for (let at = this.#head; at < this.#entries.length; at++) {
      const entry = this.#entries[at];
      if (entry?.isDone === true) finished.push(entry.offset);
    }
    for (const { offset, isDone } of this.#known.values()) if (isDone) finished.push(offset);
    return { offset: this.#mark, metadata: encodeFinished(this.#mark, finished) };
  }

  /** Where it stands is to be committed, although nothing was settled since. */
  keepChange(): void {
    this.#isChanged = true;
  }

  #add(entry: LedgerEntry): void {
    if (this.#mark < 0) this.#mark = entry.offset;
    this.#entries.push(entry);
    this.#end = entry.next;
  }

  #advance(): void {
    const entries = this.#entries;
    let head = this.#head;
    for (let entry = entries[head]; entry?.isDone === true; entry = entries[++head]) {
      this.#mark = entry.next;
      // Let go of the message.
      entries[head] = undefined as unknown as LedgerEntry;
    }
    this.#head = head;
    if (head === entries.length) {
      this.#entries = [];
      this.#head = 0;
      this.#catchUp();
    } else if (head > 1024 && head * 2 > entries.length) {
      this.#entries = entries.slice(head);
      this.#head = 0;
    }
  }

  /** Where nothing waits before it, what was passed over is done as well. */
  #catchUp(): void {
    if (this.#passed <= this.#mark || this.#entries.length + this.#known.size + this.unread.count > 0) return;
    this.#mark = this.#passed;
    this.#isChanged = true;
  }
}
