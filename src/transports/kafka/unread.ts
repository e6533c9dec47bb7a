import type { IncomingRecord } from './driver.ts';

interface Fetched {
  readonly records: readonly IncomingRecord[];
  /** Where reading goes on behind the last of them; not always the next number. */
  readonly next: number;
}

/**
 * What was fetched from a partition and not handed out, because the window is full: fetching it again would decode it
 * again, and the next fetch can be on its way meanwhile.
 */
export class Unread {
  #fetched: Fetched[] = [];
  #taken = 0;
  count = 0;

  add(records: readonly IncomingRecord[], next: number): void {
    if (records.length === 0) return;
    this.#fetched.push({ records, next });
    this.count += records.length;
  }

  /** The first, and where reading goes on behind it. */
  peek(): { readonly record: IncomingRecord; readonly offset: number; readonly next: number } | undefined {
    const [fetched] = this.#fetched;
    const record = fetched?.records[this.#taken];
    if (fetched === undefined || record === undefined) return undefined;
    const { offset } = record;
    const isLast = this.#taken + 1 === fetched.records.length;
    return { record, offset, next: isLast ? fetched.next : offset + 1 };
  }

  drop(): void {
    this.count--;
    if (++this.#taken < (this.#fetched[0]?.records.length ?? 0)) return;
    this.#fetched.shift();
    this.#taken = 0;
  }

  clear(): void {
    this.#fetched = [];
    this.#taken = 0;
    this.count = 0;
  }
}
