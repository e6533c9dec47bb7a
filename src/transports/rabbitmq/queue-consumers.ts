import type { Channel, ConsumeMessage } from 'amqplib';
import { tagOf } from './names.ts';

export interface QueueConsumersOptions {
  /** The name that their tags are made of. */
  readonly name: string;
  /** Most deliveries that may be in hand of all of them. */
  readonly window: number;
  /** How many are. */
  readonly inHand: () => number;
  /** Takes what comes for any of them, and null when the server has cancelled one. */
  readonly receive: (raw: ConsumeMessage | null) => void;
}

/**
 * The consumers of one queue over one channel, which together never have more than the window in hand. A prefetch is each
 * consumer's own, and quorum queues refuse one for a whole channel, so what a cancelled consumer still has in hand is
 * left out of its successor's. As it is settled its share goes to one more consumer, a quarter of the window at a time: no
 * more than five of them after any number of pauses.
 */
export class QueueConsumers {
  readonly #options: QueueConsumersOptions;
  #tags: string[] = [];
  #begun = 0;
  #isConsuming = false;
  /** The highest delivery tag so far; the channel counts them up. */
  #lastTag = 0;
  /** In hand, and from consumers that were cancelled: of no higher a tag than that. */
  #left = 0;
  #lastLeft = 0;
  /** What of the window belongs to no consumer, and isn't left. */
  #free = 0;
  #isAsked = false;
  #mayMerge = false;

  constructor(options: QueueConsumersOptions) {
    this.#options = options;
  }

  /** Call it with every delivery, before anything else is done with it. */
  received(deliveryTag: number): void {
    this.#lastTag = deliveryTag;
  }

  /** Call it with every delivery that is no longer in hand. @returns true when it is time to {@link consume} once more. */
  settled(deliveryTag: number): boolean {
    if (this.#left > 0 && deliveryTag <= this.#lastLeft) {
      this.#left--;
      this.#free++;
    }
    if (this.#isAsked || !(this.#isDue || this.#isMergeable)) return false;
    this.#isAsked = true;
    return true;
  }

  /** Begins; or adds a consumer for what has become free, if that is enough. */
  async consume(channel: Channel, queue: string): Promise<void> {
    if (this.#isMergeable) {
      await this.cancel(channel);
      this.#mayMerge = false;
    }
    this.#isAsked = false;
    if (!this.#isConsuming) {
      this.#isConsuming = true;
      this.#left = this.#options.inHand();
      this.#lastLeft = this.#lastTag;
      this.#free = this.#options.window - this.#left;
    } else if (!this.#isDue) return;
    const prefetch = this.#free;
    // The server takes 0 for no limit.
    if (prefetch === 0) return;
    this.#free = 0;
    await channel.prefetch(prefetch);
    // Never the same tag again: RabbitMQ 3.10 closes the connection (541) when its quorum queue is consumed anew by a
    // tag that still holds what has come before.
    const { consumerTag } = await channel.consume(queue, this.#options.receive, {
      consumerTag: tagOf(this.#options.name, ++this.#begun),
    });
    this.#tags.push(consumerTag);
  }

  /** Nothing more comes once it has resolved. */
  async cancel(channel: Channel): Promise<void> {
    this.#isConsuming = this.#isAsked = false;
    this.#mayMerge = true;
    this.#left = this.#free = 0;
    const tags = this.#tags;
    this.#tags = [];
    for (const tag of tags) await channel.cancel(tag);
  }

  get #isDue(): boolean {
    return this.#free > 0 && (this.#left === 0 || this.#free * 4 >= this.#options.window);
  }

  /**
   * Once nothing is in hand one consumer can have the whole window again. That matters for the order: when another member of
   * the group leaves, a quorum queue hands out what that one had consumer by consumer, not message by message. Tried once a
   * pause, since what comes meanwhile is left again, and under a steady load would be so each time.
   */
  get #isMergeable(): boolean {
    if (!this.#mayMerge || this.#tags.length + Math.min(this.#free, 1) < 2) return false;
    return this.#options.inHand() === 0;
  }
}
