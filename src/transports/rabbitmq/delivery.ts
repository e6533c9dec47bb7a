import { createHash } from 'node:crypto';
import type { ConsumeMessage } from 'amqplib';
import type { Headers, SpanAttributes } from '../../contracts/message.ts';
import type { Delivery, DeliveryHolder } from '../../contracts/transport.ts';
import { RabbitMessage } from './rabbit-message.ts';

/** Who settles the deliveries of one channel. */
export interface DeliveryOwner {
  readonly queue: string;
  readonly countsDeliveries: boolean;
  settle(delivery: RabbitDelivery): void;
  forget(delivery: RabbitDelivery): void;
  storeDeadLetter(delivery: RabbitDelivery, headers: Headers): Promise<void>;
  storeRetry(delivery: RabbitDelivery, delayMs: number, headers: Headers): Promise<void>;
}

/** One message handed to us over one channel; it can be settled over no other. */
export class RabbitDelivery implements Delivery {
  readonly message: RabbitMessage;
  readonly tag: number;
  holder: DeliveryHolder | undefined = undefined;
  /** Neither settled nor given up, and its channel stands. */
  isHeld = true;
  readonly #isRedelivered: boolean;
  /** Empty for what came straight to the queue, such as a replay. */
  readonly #exchange: string;
  readonly #routingKey: string;
  readonly #owner: DeliveryOwner;

  constructor(raw: ConsumeMessage, owner: DeliveryOwner) {
    this.message = new RabbitMessage(raw);
    this.tag = raw.fields.deliveryTag;
    this.#isRedelivered = raw.fields.redelivered;
    this.#exchange = raw.fields.exchange;
    this.#routingKey = raw.fields.routingKey;
    this.#owner = owner;
  }

  get destination(): string {
    return this.#exchange || this.#owner.queue;
  }

  /** A queue has no coordinates: its id, or for a foreign message without one a digest of what it says. */
  get position(): string {
    return this.message.id || createHash('sha256').update(this.message.body).digest('base64url').slice(0, 22);
  }

  get deliveryCount(): number | undefined {
    return this.#owner.countsDeliveries ? (this.message.deliveredBefore ?? 0) + 1 : undefined;
  }

  precedes(other: Delivery): boolean {
    return this.#isRedelivered && !(other as RabbitDelivery).#isRedelivered;
  }

  get spanAttributes(): SpanAttributes {
    return {
      'messaging.rabbitmq.destination.routing_key': this.#routingKey,
      'messaging.rabbitmq.message.delivery_tag': this.tag,
    };
  }

  ack(): void {
    this.#owner.settle(this);
  }

  /**
   * Nothing is sent: closing the channel gives it back, in its old place. RabbitMQ before 4.0 counts that as a delivery
   * (measured on 3.10), so that one that was never begun comes nearer to `maxDeliveries`, too.
   */
  release(): Promise<void> {
    this.#owner.forget(this);
    return Promise.resolve();
  }

  deadLetter(headers: Headers): Promise<void> {
    return this.#owner.storeDeadLetter(this, headers);
  }

  defer(delayMs: number, headers: Headers): Promise<void> {
    return this.#owner.storeRetry(this, delayMs, headers);
  }

  abandon(): void {
    this.#owner.forget(this);
  }
}
