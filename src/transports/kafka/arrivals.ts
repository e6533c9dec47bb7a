import type { Ledger } from './assignment.ts';
import type { KafkaDelivery } from './delivery.ts';

/** Deliveries that nobody has taken off yet; they are taken all at once. */
export class Arrivals {
  #waiting: KafkaDelivery[] = [];
  #wake: () => void = () => undefined;

  add(deliveries: readonly KafkaDelivery[]): void {
    for (const delivery of deliveries) this.#waiting.push(delivery);
    if (this.#waiting.length > 0) this.#wake();
  }

  take(): KafkaDelivery[] {
    const taken = this.#waiting;
    this.#waiting = [];
    return taken;
  }

  /** Resolves when some are added, or by `wake`. One at a time may wait. */
  next(): Promise<void> {
    return new Promise((resolve) => (this.#wake = resolve));
  }

  wake(): void {
    this.#wake();
  }

  /** What is of that ledger is no delivery any more. */
  forget(ledger: Ledger): void {
    this.#waiting = this.#waiting.filter((delivery) => delivery.ledger !== ledger);
  }
}
