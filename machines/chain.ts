/** A member of at most one {@link Chain}. */
export interface Link<T> {
  before: T | undefined;
  after: T | undefined;
}

/** A set in order of arrival whose members hold the links: where each comes and goes once, cheaper than a `Set`. */
export class Chain<T extends Link<T>> {
  #last: T | undefined = undefined;
  #length = 0;

  get length(): number {
    return this.#length;
  }

  add(item: T): void {
    const last = this.#last;
    item.before = last;
    if (last !== undefined) last.after = item;
    this.#last = item;
    this.#length++;
  }

  /** Only for an item that is in it. */
  remove(item: T): void {
    const { before, after } = item;
    if (before !== undefined) before.after = after;
    if (after === undefined) this.#last = before;
    else after.before = before;
    // A long-lived neighbour must not keep it in memory.
    item.before = item.after = undefined;
    this.#length--;
  }

  /** A copy, so that items may leave while it is looked through. */
  all(): T[] {
    const items: T[] = [];
    for (let item = this.#last; item !== undefined; item = item.before) items.push(item);
    return items.reverse();
  }
}
