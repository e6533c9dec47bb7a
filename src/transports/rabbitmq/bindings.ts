import type { Channel } from 'amqplib';
import type { Binding } from './topology.ts';

/** The bindings of one source's queue: each is made once, and made again where the exchange is. */
export class Bindings {
  readonly #queue: string;
  readonly #exchange: string;
  readonly #made = new Map<string, Binding>();

  constructor(queue: string, exchange: string) {
    this.#queue = queue;
    this.#exchange = exchange;
  }

  async add(channel: Channel, wanted: readonly Binding[]): Promise<void> {
    for (const binding of wanted) {
      if (this.#made.has(nameOf(binding))) continue;
      await this.#make(channel, binding);
      this.#made.set(nameOf(binding), binding);
    }
  }

  /** Takes them away from the queue, whoever made them. */
  async remove(channel: Channel, unwanted: readonly Binding[]): Promise<void> {
    for (const binding of unwanted) {
      this.#made.delete(nameOf(binding));
      await channel.unbindQueue(this.#queue, this.#exchange, binding.routingKey, binding.args);
    }
  }

  /** An exchange takes its bindings with it when it is deleted. */
  async renew(channel: Channel): Promise<void> {
    for (const binding of this.#made.values()) await this.#make(channel, binding);
  }

  async #make(channel: Channel, { routingKey, args }: Binding): Promise<void> {
    await channel.bindQueue(this.#queue, this.#exchange, routingKey, args);
  }
}

const nameOf = ({ routingKey, args }: Binding): string => JSON.stringify([routingKey, args]);
