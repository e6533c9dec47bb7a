import type { Channel, Message } from 'amqplib';

/**
 * Acknowledges the deliveries of one channel in few frames: those settled in one burst together. Up to a tag means
 * every delivery before it, so that is used only as far as all of them are settled.
 */
export class Acknowledgements {
  readonly #channel: Pick<Channel, 'ack'>;
  /** All up to here are acknowledged; tags begin at 1 and have no gaps. */
  #low = 0;
  /** Settled, and not told yet. */
  readonly #settled = new Set<number>();
  /** Acknowledged one by one, because an earlier one isn't settled. */
  readonly #single = new Set<number>();
  #isScheduled = false;
  readonly #flush = () => this.flush();

  constructor(channel: Pick<Channel, 'ack'>) {
    this.#channel = channel;
  }

  add(tag: number): void {
    this.#settled.add(tag);
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    process.nextTick(this.#flush);
  }

  /** @throws when the channel is closed. */
  flush(): void {
    this.#isScheduled = false;
    let high = this.#low;
    for (let tag = this.#low + 1; ; tag++) {
      if (this.#settled.delete(tag)) high = tag;
      else if (!this.#single.has(tag)) break;
    }
    if (high > this.#low) this.#ack(high, true);
    this.#low = high;
    for (const tag of this.#settled) {
      this.#ack(tag, false);
      this.#single.add(tag);
    }
    this.#settled.clear();
    for (const tag of this.#single) if (tag <= this.#low) this.#single.delete(tag);
    while (this.#single.delete(this.#low + 1)) this.#low++;
  }

  #ack(deliveryTag: number, isUpTo: boolean): void {
    // The driver looks at nothing else of the message.
    this.#channel.ack({ fields: { deliveryTag } } as Message, isUpTo);
  }
}
