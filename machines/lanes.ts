const HELD: unique symbol = Symbol('held, nobody waits');

/**
 * Keeps items of one key in order: one holds the lane, the others wait. A key that nobody uses costs nothing.
 */
export class Lanes<T> {
  readonly #lanes = new Map<string, T[] | typeof HELD>();
  readonly #precedes: (item: T, other: T) => boolean;
  #waiting = 0;

  /** `precedes` says that `item` goes before `other`, which came first but hasn't started. */
  constructor(precedes: (item: T, other: T) => boolean) {
    this.#precedes = precedes;
  }

  /** How many wait behind the holders of their lanes. */
  get waiting(): number {
    return this.#waiting;
  }

  get keys(): IterableIterator<string> {
    return this.#lanes.keys();
  }

  /** True if the item holds its lane now and may start; otherwise it waits until {@link release} returns it. */
  enter(key: string, item: T): boolean {
    // What has no key has no order.
    if (key === '') return true;
    const lane = this.#lanes.get(key);
    if (lane === undefined) {
      this.#lanes.set(key, HELD);
      return true;
    }
    this.#waiting++;
    if (lane === HELD) this.#lanes.set(key, [item]);
    else {
      let at = lane.length;
      while (at > 0 && this.#precedes(item, lane[at - 1] as T)) at--;
      lane.splice(at, 0, item);
    }
    return false;
  }

  /** The holder is done; returns the next item of that key, which holds the lane from now on. */
  release(key: string): T | undefined {
    const lane = this.#lanes.get(key);
    if (lane === undefined || lane === HELD) {
      this.#lanes.delete(key);
      return undefined;
    }
    this.#waiting--;
    const next = lane.shift();
    if (lane.length === 0) this.#lanes.set(key, HELD);
    return next;
  }

  /** Takes a waiting item out; false if it doesn't wait. */
  remove(key: string, item: T): boolean {
    const lane = this.#lanes.get(key);
    if (lane === undefined || lane === HELD) return false;
    const at = lane.indexOf(item);
    if (at < 0) return false;
    lane.splice(at, 1);
    this.#waiting--;
    if (lane.length === 0) this.#lanes.set(key, HELD);
    return true;
  }

  /** Takes out all that wait; the holders keep their lanes. */
  removeWaiting(): T[] {
    const items: T[] = [];
    for (const [key, lane] of this.#lanes)
      if (lane !== HELD) {
        items.push(...lane);
        this.#lanes.set(key, HELD);
      }
    this.#waiting = 0;
    return items;
  }
}
