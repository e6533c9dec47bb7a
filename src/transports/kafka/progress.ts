import { ConnectionError } from '../../errors.ts';

/** How much of one member is in hand, and whether anything comes of it. */
export class Progress {
  #held = 0;
  #notedAt = performance.now();
  #wake: (() => void) | undefined;
  readonly #limitMs: number;

  /** @param limitMs Without a sign of progress for so long, while there is something to settle, it counts as hung. */
  constructor(limitMs: number) {
    this.#limitMs = limitMs;
  }

  get held(): number {
    return this.#held;
  }

  get isHung(): boolean {
    return this.#held > 0 && performance.now() - this.#notedAt > this.#limitMs;
  }

  /** @param quietMs Milliseconds in which no sign is to be expected. */
  note(quietMs = 0): void {
    this.#notedAt = Math.max(this.#notedAt, performance.now() + quietMs);
  }

  arrived(count: number): void {
    if (count === 0) return;
    if (this.#held === 0) this.note();
    this.#held += count;
  }

  settled(): void {
    this.note();
    if (--this.#held === 0) this.#wake?.();
  }

  end(): void {
    this.#held = 0;
    this.#wake?.();
  }

  /** Resolves once nothing is in hand, or after `limitMs`. */
  async quiet(limitMs: number): Promise<void> {
    if (this.#held === 0) return;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, limitMs);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
    this.#wake = undefined;
  }
}

/** Why a member leaves that {@link Progress.isHung}. */
export const hung = (limitMs: number): ConnectionError =>
  new ConnectionError(
    `Nothing came of what is in hand for ${limitMs} ms (maxPollIntervalMs), so the member left`,
  );
