/** So many a second; after a rest as many at once. */
export class Budget {
  readonly #perSecond: number;
  #left: number;

  /** @param perSecond 0 or more; Infinity has no end. */
  constructor(perSecond: number) {
    this.#perSecond = perSecond;
    // Less than one a second is still one now and then.
    this.#left = this.#most;
  }

  get hasSome(): boolean {
    return this.#left >= 1;
  }

  get isFull(): boolean {
    return this.#left >= this.#most;
  }

  take(): void {
    this.#left--;
  }

  refill(elapsedMs: number): void {
    this.#left = Math.min(this.#most, this.#left + (this.#perSecond * elapsedMs) / 1000);
  }

  get #most(): number {
    return this.#perSecond === 0 ? 0 : Math.max(1, this.#perSecond);
  }
}
