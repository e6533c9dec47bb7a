import type { Channel } from 'amqplib';
import type { Binding } from './topology.ts';

/** The bindings of one source's queue: each is made once, and made again where the exchange is, while it is wanted. */
export class Bindings {
  readonly #queue: string;
  readonly #exchange: string;
  readonly #made = new Set<string>();
  #wanted: readonly Binding[] = [];

  constructor(queue: string, exchange: string) {
    this.#queue = queue;
    this.#exchange = exchange;
  }

  /** What is wanted from now on. What isn't any more stays bound: others of the group may want it. */
  async want(channel: Channel, wanted: readonly Binding[]): Promise<void> {
    this.#wanted = wanted;
    for (const binding of wanted) if (!this.#made.has(nameOf(binding))) await this.#make(channel, binding);
  }

  /** Takes them away from the queue, whoever made them. */
  async remove(channel: Channel, unwanted: readonly Binding[]): Promise<void> {
    for (const binding of unwanted) {
      this.#made.delete(nameOf(binding));
      await channel.unbindQueue(this.#queue, this.#exchange, binding.routingKey, binding.args);
    }
  }

  /**
   * An exchange takes its bindings with it when it is deleted. Those that were wanted once are left alone: another member may
   * have unbound them.
   */
  async renew(channel: Channel): Promise<void> {
    for (const binding of this.#wanted) await this.#make(channel, binding);
  }

  async #make(channel: Channel, binding: Binding): Promise<void> {
    await channel.bindQueue(this.#queue, this.#exchange, binding.routingKey, binding.args);
    this.#made.add(nameOf(binding));
  }
}

const nameOf = ({ routingKey, args }: Binding): string => JSON.stringify([routingKey, args]);
