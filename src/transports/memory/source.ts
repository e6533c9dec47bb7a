import type { Delivery, Source, SourceOptions } from '../../contracts/transport.ts';
import type { MemoryConsumer, MemoryDelivery, MemoryGroup } from './group.ts';

const BATCH = 100;

/** What one consumer of a group in memory is handed. */
export class MemorySource implements Source, MemoryConsumer {
  readonly window: number;
  readonly ready = Promise.resolve();
  readonly group: MemoryGroup;
  readonly #notice: SourceOptions['notice'];
  readonly #isShared: boolean;
  #isStopping = false;
  #held = 0;
  #isPaused = false;
  #end: { readonly error: Error | undefined } | undefined = undefined;
  #waiting: (() => void) | undefined = undefined;
  #batch: MemoryDelivery[] = [];

  constructor(
    group: MemoryGroup,
    options: {
      readonly window: number;
      readonly isShared: boolean;
      readonly notice: SourceOptions['notice'];
    },
  ) {
    this.#notice = options.notice;
    this.#isShared = options.isShared;
    this.group = group;
    this.window = options.window;
    group.join(this);
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<readonly Delivery[]> {
    for (;;) {
      this.wake();
      if (this.#batch.length > 0) {
        const batch = this.#batch;
        this.#batch = [];
        yield batch;
      } else if (this.#isStopping && this.group.length === 0) {
        return;
      } else if (this.#end !== undefined) {
        if (this.#end.error !== undefined) throw this.#end.error;
        return;
      } else await new Promise<void>((resolve) => (this.#waiting = resolve));
    }
  }

  /** Takes what there is and there is room for, and tells the reader. */
  wake(): void {
    if (this.#isPaused || this.#end !== undefined) return;
    const taken = this.group.take(this, Math.min(BATCH, this.window - this.#held));
    if (taken.length === 0) return;
    this.#held += taken.length;
    this.#batch.push(...taken);
    this.#tell();
  }

  freed(): void {
    this.#held--;
    this.wake();
  }

  dropped(count: number): void {
    this.#notice?.({
      kind: 'dead-letters-dropped',
      count,
      detail: `${count} dead letter(s) had to go for newer ones.`,
    });
  }

  pause(): void {
    this.#isPaused = true;
  }

  resume(): void {
    this.#isPaused = false;
    this.wake();
  }

  /** Where nobody else could take it, what the group still holds is handed out first. */
  stop(): Promise<void> {
    if (this.#isShared) this.#end ??= { error: undefined };
    else {
      this.#isStopping = true;
      this.resume();
    }
    this.#tell();
    return Promise.resolve();
  }

  close(): Promise<void> {
    this.group.leave(this);
    this.#end ??= { error: undefined };
    this.#tell();
    return Promise.resolve();
  }

  /** The connection is gone, and with it all that was held. */
  lose(error: Error | undefined): void {
    this.#end ??= { error };
    this.#batch = [];
    this.group.lose(this);
    this.#tell();
  }

  #tell(): void {
    const waiting = this.#waiting;
    this.#waiting = undefined;
    waiting?.();
  }
}
