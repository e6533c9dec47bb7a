import { setTimeout as pause } from 'node:timers/promises';
import type { Channel, ConsumeMessage } from 'amqplib';
import { ConnectionError } from '../../errors.ts';
import { closeChannel } from './close-channel.ts';

const QUIET_MS = 1000;
const LOOKS_FOR_RETURN = 50;
const BETWEEN_LOOKS_MS = 20;

/** One look at a queue: what it takes out stays on its channel, in the order of the queue, until it is taken or given back. */
export class Look {
  readonly #channel: Channel;
  readonly #queue: string;
  /** What the queue had, and still has but for what was taken. */
  #count: number;
  #held = 0;
  #isOpen = true;
  #failure: Error | undefined;
  #wake: () => void = () => undefined;

  /** @param count how many the queue has when the look begins. */
  constructor(channel: Channel, queue: string, count: number) {
    this.#channel = channel;
    this.#queue = queue;
    this.#count = count;
    channel.once('close', () => {
      this.#isOpen = false;
      this.#fail('The channel was closed while dead letters were listed');
    });
  }

  /** Taken out of the queue, and not yet taken for good. */
  get held(): number {
    return this.#held;
  }

  get isOpen(): boolean {
    return this.#isOpen;
  }

  /**
   * The next `most` of the queue, or as many as it has yet. A consumer takes each page, and ends with it: what it may be
   * given is bounded by its prefetch, which can't be raised while it runs.
   * @throws {ConnectionError} when the queue or the channel goes meanwhile.
   */
  async next(most: number): Promise<ConsumeMessage[]> {
    const page: ConsumeMessage[] = [];
    await this.#channel.prefetch(most);
    const { consumerTag } = await this.#channel.consume(this.#queue, (raw) => {
      if (raw === null) this.#fail(`The queue "${this.#queue}" was deleted while it was listed`);
      else {
        this.#held++;
        page.push(raw);
      }
      this.#wake();
    });
    while (page.length < most) {
      if (this.#failure !== undefined) throw this.#failure;
      if (!(await quiet((tell) => (this.#wake = tell)))) continue;
      // Slow, or lost, or taken by others since they were counted? What was handed out comes before this answer, and
      // the connection ends where none comes.
      const { messageCount } = await this.#channel.checkQueue(this.#queue);
      if (messageCount === 0) break;
    }
    await this.#channel.cancel(consumerTag);
    return page;
  }

  /** It doesn't come back. */
  take(raw: ConsumeMessage): void {
    this.#channel.ack(raw);
    this.#held--;
    this.#count--;
  }

  async giveBack(): Promise<void> {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    try {
      // In this order: closing alone kept the order too, but not always with large ones.
      this.#channel.nackAll(true);
      await this.#returned();
      await closeChannel(this.#channel);
    } catch {
      // With its channel all of it goes back.
    }
  }

  /**
   * Resolves once the queue has them again: it answers whoever asks for its length before it takes back what was given
   * back, and the next look would end too early. Where others take some meanwhile, after a second.
   */
  async #returned(): Promise<void> {
    for (let looks = 0; looks < LOOKS_FOR_RETURN; looks++) {
      const { messageCount } = await this.#channel.checkQueue(this.#queue);
      if (messageCount >= this.#count) return;
      await pause(BETWEEN_LOOKS_MS);
    }
  }

  #fail(reason: string): void {
    this.#failure ??= new ConnectionError(reason);
    this.#wake();
  }
}

/** Waits until it is woken; true when nothing came for a second. */
function quiet(listen: (wake: () => void) => void): Promise<boolean> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => resolve(true), QUIET_MS);
    listen(() => {
      clearTimeout(timer);
      resolve(false);
    });
  });
}
