import { Fifo } from '../../machines/fifo.ts';
import type { BusSettings } from './options.ts';
import type { Wiring } from './wiring.ts';

/** Publishes that nobody waits for: counted, bounded, and their failures logged. */
export class BackgroundTasks {
  readonly #wiring: Wiring;
  readonly #settings: Pick<BusSettings, 'maxBackgroundTasks' | 'concurrency'>;
  readonly #waiting = new Fifo<() => void>();
  #open = 0;
  #running = 0;

  constructor(wiring: Wiring, settings: BusSettings) {
    this.#wiring = wiring;
    this.#settings = settings;
  }

  /** Watches a publish that has begun. Resolves at once while there is room, else when it has settled. */
  watch(published: Promise<void>): Promise<void> {
    if (this.#open >= this.#settings.maxBackgroundTasks) return published;
    this.#begin();
    this.#whenOver(published, () => this.#end());
    return Promise.resolve();
  }

  /**
   * Begins a publish on the embedded bus when fewer than `concurrency` others run, and never before it returns.
   * `count` is the number of its events. Resolves at once while there is room, else when the publish has settled: refusing it would lose the events.
   */
  run(publish: () => Promise<void>, count: number): Promise<void> {
    if (this.#open >= this.#settings.maxBackgroundTasks) return publish();
    const { embedded, work } = this.#wiring;
    this.#begin();
    work.begin();
    embedded?.hold(count);
    this.#waiting.push(() => {
      this.#running++;
      const published = publish();
      embedded?.letGo(count);
      this.#whenOver(published, () => {
        this.#running--;
        this.#end();
        work.end();
        this.#startNext();
      });
    });
    queueMicrotask(() => this.#startNext());
    return Promise.resolve();
  }

  #startNext(): void {
    while (this.#running < this.#settings.concurrency && this.#waiting.length > 0) this.#waiting.shift()?.();
  }

  #begin(): void {
    this.#open++;
    this.#wiring.stats.backgroundTasksCreated++;
  }

  #end(): void {
    this.#open--;
    this.#wiring.stats.backgroundTasksCompleted++;
  }

  /** At once, not some microtasks later: a shutdown that waited for it must find it counted. */
  #whenOver(published: Promise<void>, over: () => void): void {
    void published.then(over, (error: unknown) => {
      this.#wiring.logger.error({ err: error }, 'A publish in the background failed.');
      over();
    });
  }
}
