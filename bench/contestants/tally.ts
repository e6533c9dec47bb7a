/** How often each order was handled, by its number. */
export class Tally {
  readonly #seen: Uint32Array;
  #waiting: { readonly count: number; readonly resolve: () => void } | undefined;
  /** Orders handled since the last reset, doubles included. */
  count = 0;

  constructor(orders: number) {
    this.#seen = new Uint32Array(orders);
  }

  add(index: number): void {
    (this.#seen[index] as number)++;
    this.count++;
    if (this.#waiting !== undefined && this.count >= this.#waiting.count) {
      this.#waiting.resolve();
      this.#waiting = undefined;
    }
  }

  /** Resolves once that many have been handled. @throws {Error} when that takes longer than a minute. */
  async reached(count: number): Promise<void> {
    if (this.count >= count) return;
    await new Promise<void>((resolve, reject) => {
      const late = setTimeout(
        () => reject(new Error(`${this.count} of ${count} were handled in a minute`)),
        60_000,
      );
      this.#waiting = {
        count,
        resolve: () => {
          clearTimeout(late);
          resolve();
        },
      };
    });
  }

  /** Compares with what should have happened to every order. */
  verdict(times: number): { readonly lost: number; readonly duplicated: number } {
    let lost = 0;
    let duplicated = 0;
    for (const seen of this.#seen) {
      if (seen < times) lost += times - seen;
      else duplicated += seen - times;
    }
    return { lost, duplicated };
  }

  reset(): void {
    this.#seen.fill(0);
    this.count = 0;
  }
}
