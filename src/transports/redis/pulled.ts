import type { RedisDelivery } from './delivery.ts';
import type { Ledger } from './ledger.ts';

/** What a source was handed and hasn't yielded yet. */
export class Pulled {
  readonly #ledger: Ledger;
  readonly #window: number;
  #deliveries: RedisDelivery[] = [];

  constructor(ledger: Ledger, window: number) {
    this.#ledger = ledger;
    this.#window = window;
  }

  get length(): number {
    return this.#deliveries.length;
  }

  add(deliveries: RedisDelivery[]): void {
    this.#deliveries = this.#deliveries.length === 0 ? deliveries : this.#deliveries.concat(deliveries);
  }

  /**
   * COUNT holds for each stream, so a read may bring twice what was reserved where events are replayed at the same
   * time, and a claim doesn't wait for reads in flight. What is too much is kept back here: at most one window, so
   * that the consumer never has more than its own.
   */
  next(): RedisDelivery[] {
    const batch = this.#deliveries;
    const excess = Math.max(0, this.#ledger.held - this.#window);
    const cut = Math.max(0, batch.length - excess);
    this.#deliveries = batch.slice(cut);
    return excess === 0 ? batch : batch.slice(0, cut);
  }

  /** They stay pending under our name, and our next source finds them there. */
  forget(): void {
    for (const delivery of this.#deliveries.splice(0)) delivery.abandon();
  }

  /** Nobody has seen these: another consumer may as well begin with them. */
  async release(): Promise<void> {
    await Promise.all(this.#deliveries.splice(0).map((delivery) => delivery.release()));
  }
}
