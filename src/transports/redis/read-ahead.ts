import type { ReadEntry } from './arrivals.ts';
import type { Link } from './link.ts';

/**
 * With a backlog the next read is on its way while the entries of this one are handled. On an idle stream it would only
 * make the server answer later, since it takes it up before it sends the first one's reply.
 */
const READS_WITH_BACKLOG = 2;
const READS_WHEN_IDLE = 1;

/** Where to read, as whom, and how much. */
export interface ReadTarget {
  readonly streams: readonly [main: string, replays: string];
  readonly group: string;
  readonly consumer: string;
  readonly batchSize: number;
  readonly blockMs: number;
}

/** Who gets what was read. */
export interface ReadListener {
  /** Places that nothing stands in, those reserved by reads in flight included. */
  freePlaces(): number;
  wantsMore(): boolean;
  arrived(stream: string, entries: readonly ReadEntry[]): void;
  failed(error: unknown): void;
}

/** Keeps blocking reads in flight as far as there is room, on a socket of its own. */
export class ReadAhead {
  readonly #link: Link;
  readonly #clientId: number;
  readonly #target: ReadTarget;
  readonly #listener: ReadListener;
  #inFlight = 0;
  /** The last read got as much as it asked for. */
  #hasBacklog = false;
  /** Places kept for what reads in flight may bring. */
  #reserved = 0;

  constructor(link: Link, clientId: number, target: ReadTarget, listener: ReadListener) {
    this.#link = link;
    this.#clientId = clientId;
    this.#target = target;
    this.#listener = listener;
  }

  /** Sends as many reads as are worth it now. */
  pump(): void {
    const { batchSize } = this.#target;
    const most = this.#hasBacklog ? READS_WITH_BACKLOG : READS_WHEN_IDLE;
    while (this.#inFlight < most && this.#listener.wantsMore()) {
      const count = Math.min(batchSize, this.#listener.freePlaces() - this.#reserved);
      // Under load the window frees one by one: a second read waits until it is worth its way.
      if (count < 1 || (this.#inFlight > 0 && count < batchSize / 2)) return;
      void this.#read(count);
    }
  }

  /** Has the reads in flight answered at once; what they bring meanwhile arrives as usual. */
  async end(commands: Link): Promise<void> {
    while (this.#inFlight > 0 && this.#link.isOpen && !this.#listener.wantsMore()) {
      // A second read begins to block when the first one was answered: it takes one call for each.
      await commands.redis.client('UNBLOCK', this.#clientId);
    }
  }

  async #read(count: number): Promise<void> {
    const { streams, group, consumer, blockMs } = this.#target;
    const [main, replays] = streams;
    this.#inFlight++;
    this.#reserved += count;
    let reply: unknown;
    let failure: { readonly error: unknown } | undefined;
    try {
      reply = await this.#link.redis.xreadgroup(
        'GROUP',
        group,
        consumer,
        'COUNT',
        count,
        'BLOCK',
        blockMs,
        'STREAMS',
        main,
        replays,
        '>',
        '>',
      );
    } catch (error) {
      failure = { error };
    }
    this.#inFlight--;
    this.#reserved -= count;
    if (failure !== undefined) {
      this.#listener.failed(failure.error);
      return;
    }
    // Null when nothing came in time.
    this.#hasBacklog = false;
    for (const [stream, entries] of (reply ?? []) as [string, ReadEntry[]][]) {
      this.#hasBacklog ||= entries.length >= count;
      this.#listener.arrived(stream, entries);
    }
    this.pump();
  }
}
