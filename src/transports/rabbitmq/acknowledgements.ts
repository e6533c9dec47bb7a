import type { Channel, Message } from 'amqplib';

/**
 * Acknowledges the deliveries of one channel in few frames: those settled in one burst together. Up to a tag means
 * every delivery before it, so that is used only as far as all of them are settled.
 */
export class Acknowledgements {
  readonly #channel: Pick<Channel, 'ack'>;
  /** The highest that was settled; tags begin at 1 and have no gaps. */
  #top = 0;
  /** Those below it that aren't settled, in ascending order: no more than the channel prefetches, however long one takes. */
  readonly #open = new Set<number>();
  /** Settled, and not told yet. */
  #settled: number[] = [];
  #isScheduled = false;
  readonly #flush = () => this.flush();

  constructor(channel: Pick<Channel, 'ack'>) {
    this.#channel = channel;
  }

  add(tag: number): void {
    for (let next = this.#top + 1; next < tag; next++) this.#open.add(next);
    if (tag > this.#top) this.#top = tag;
    else this.#open.delete(tag);
    this.#settled.push(tag);
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    process.nextTick(this.#flush);
  }

  /** @throws when the channel is closed. */
  flush(): void {
    this.#isScheduled = false;
    const settled = this.#settled;
    this.#settled = [];
    const [firstOpen = Infinity] = this.#open;
    let upTo = 0;
    for (const tag of settled) if (tag < firstOpen && tag > upTo) upTo = tag;
    if (upTo > 0) this.#ack(upTo, true);
    for (const tag of settled) if (tag > firstOpen) this.#ack(tag, false);
  }

  #ack(deliveryTag: number, isUpTo: boolean): void {
    // The driver looks at nothing else of the message.
    this.#channel.ack({ fields: { deliveryTag } } as Message, isUpTo);
  }
}

/** A closed channel throws; whoever held its deliveries is told by its end. */
export function guarded(channel: Channel): Pick<Channel, 'ack'> {
  return {
    ack: (message, isUpTo) => {
      try {
        channel.ack(message, isUpTo);
      } catch {
        // They come again.
      }
    },
  };
}
