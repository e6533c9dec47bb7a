import type { Headers } from '../../contracts/message.ts';
import { ConnectionError, EncodeError } from '../../errors.ts';
import type { RabbitDelivery } from './delivery.ts';
import type { Link } from './link.ts';
import { dlqOf, tierOf } from './names.ts';
import type { ConfirmedPublisher } from './publisher.ts';
import { copyProperties, type RabbitMessage } from './rabbit-message.ts';
import type { Topology } from './topology.ts';

/** What a delivery becomes when it isn't acknowledged at once: a dead letter, or a retry that waits at the broker. */
export class MessageCopies {
  readonly #topology: Topology;
  readonly #link: Link;
  readonly #publisher: ConfirmedPublisher;
  readonly #retryQueues = new Map<string, Promise<string>>();

  /** @param link where a queue that is missing is declared. */
  constructor(topology: Topology, link: Link, publisher: ConfirmedPublisher) {
    this.#topology = topology;
    this.#link = link;
    this.#publisher = publisher;
  }

  async storeDeadLetter(group: string, { message }: RabbitDelivery, headers: Headers): Promise<void> {
    try {
      await this.#storeDeadLetter(group, message, { ...message.headers, ...headers });
    } catch (error) {
      if (!(error instanceof EncodeError)) throw error;
      // Another client's headers may fill the table that ours must go into: kept for ever it would hold its lane.
      const leftOut = String(Object.keys(message.headers).length);
      await this.#storeDeadLetter(group, message, { ...headers, 'x-headers-left-out': leftOut });
    }
  }

  async storeRetry(
    group: string,
    { message }: RabbitDelivery,
    delayMs: number,
    headers: Headers,
  ): Promise<void> {
    const queue = await this.#retryQueue(group, tierOf(delayMs));
    if ((await this.#send(queue, message, headers)) === 'stored') return;
    this.#retryQueues.clear();
    throw notRouted(queue);
  }

  async #storeDeadLetter(group: string, message: RabbitMessage, headers: Headers): Promise<void> {
    const queue = dlqOf(this.#topology.queueOf(group));
    if ((await this.#send(queue, message, headers)) === 'stored') return;
    // Somebody deleted the queue.
    await this.#topology.declareDeadLetters(this.#link, group);
    if ((await this.#send(queue, message, headers)) === 'stored') return;
    throw notRouted(queue);
  }

  /** @throws {ConnectionError} naming the queue when the broker won't have it, or nobody knows. */
  async #send(queue: string, message: RabbitMessage, headers: Headers): Promise<'stored' | 'unroutable'> {
    try {
      return await this.#publisher.sendOne({
        exchange: '',
        routingKey: queue,
        content: message.body,
        properties: copyProperties(message, headers),
      });
    } catch (error) {
      if (error instanceof EncodeError) throw error;
      const { message: reason } = error as Error;
      throw new ConnectionError(`RabbitMQ did not store it in the queue "${queue}": ${reason}`, {
        cause: error,
      });
    }
  }

  #retryQueue(group: string, tierMs: number): Promise<string> {
    const name = JSON.stringify([group, tierMs]);
    let queue = this.#retryQueues.get(name);
    if (queue === undefined) {
      queue = this.#topology.declareRetryQueue(this.#link, group, tierMs);
      this.#retryQueues.set(name, queue);
      queue.catch(() => this.#retryQueues.delete(name));
    }
    return queue;
  }
}

const notRouted = (queue: string): ConnectionError =>
  new ConnectionError(`RabbitMQ does not route to the queue "${queue}"`);
