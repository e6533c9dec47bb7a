import type { RedisDelivery } from './delivery.ts';
import { compareIds } from './names.ts';

/**
 * Entries in hand, in no order. Not a Map: each time one is built anew, its former table would keep the entries that
 * came after it in memory until the whole heap is collected.
 */
export class Held implements Iterable<RedisDelivery> {
  readonly #items: (RedisDelivery | undefined)[] = [];
  #size = 0;
  #newest = '0-0';

  get size(): number {
    return this.#size;
  }

  add(delivery: RedisDelivery): void {
    delivery.place = this.#size;
    this.#items[this.#size++] = delivery;
  }

  /** False when it wasn't there. */
  remove(delivery: RedisDelivery): boolean {
    if (!delivery.isHeld) return false;
    const last = this.#items[--this.#size] as RedisDelivery;
    this.#items[this.#size] = undefined;
    if (last !== delivery) {
      this.#items[delivery.place] = last;
      last.place = delivery.place;
    }
    delivery.place = -1;
    return true;
  }

  find(id: string): RedisDelivery | undefined {
    for (const delivery of this) if (delivery.position === id) return delivery;
    return undefined;
  }

  /** Whether an entry read from that id on, up to `last`, may be here already; ids only grow but for a group made again. */
  mayHave(first: string, last: string): boolean {
    const isNew = compareIds(first, this.#newest) > 0;
    if (isNew || compareIds(last, this.#newest) > 0) this.#newest = last;
    return !isNew;
  }

  *[Symbol.iterator](): Generator<RedisDelivery> {
    for (const delivery of this.#items.slice(0, this.#size)) yield delivery as RedisDelivery;
  }
}
