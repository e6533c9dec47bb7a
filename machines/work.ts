/** Counts what runs, waits or is queued in one bus, and tells when nothing does. */
export class Work {
  #open = 0;
  #waiting: (() => void)[] = [];

  get open(): number {
    return this.#open;
  }

  begin(count = 1): void {
    this.#open += count;
  }

  end(count = 1): void {
    this.#open -= count;
    if (this.#open === 0 && this.#waiting.length > 0) {
      const waiting = this.#waiting;
      this.#waiting = [];
      for (const resolve of waiting) resolve();
    }
  }

  /** Resolves once nothing is open. What a resolved waiter begins counts for the next call only. */
  idle(): Promise<void> {
    return this.#open === 0 ? Promise.resolve() : new Promise((resolve) => this.#waiting.push(resolve));
  }
}
