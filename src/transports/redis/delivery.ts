import type { Headers, Message } from '../../contracts/message.ts';
import type { Delivery, DeliveryHolder } from '../../contracts/transport.ts';
import { compareIds } from './names.ts';

/** Who settles the entries of one stream. */
export interface DeliveryLedger {
  readonly stream: string;
  ack(delivery: RedisDelivery): void;
  release(delivery: RedisDelivery): Promise<void>;
  deadLetter(delivery: RedisDelivery, headers: Headers): Promise<void>;
  /** No longer in hand. */
  abandon(delivery: RedisDelivery): void;
}

/** One entry handed to us; what becomes of it is the ledger's work. */
export class RedisDelivery implements Delivery {
  message: Message;
  readonly position: string;
  readonly deliveryCount: number;
  holder: DeliveryHolder | undefined = undefined;
  /** Among those in hand; -1 when it isn't. */
  place = -1;
  /** A release or dead letter is on its way, so that its entry may cease to be ours at any time. */
  isSettling = false;
  readonly #ledger: DeliveryLedger;

  constructor(message: Message, position: string, deliveryCount: number, ledger: DeliveryLedger) {
    this.message = message;
    this.position = position;
    this.deliveryCount = deliveryCount;
    this.#ledger = ledger;
  }

  get isHeld(): boolean {
    return this.place >= 0;
  }

  get destination(): string {
    return this.#ledger.stream;
  }

  ack(): void {
    this.#ledger.ack(this);
  }

  release(): Promise<void> {
    return this.#ledger.release(this);
  }

  deadLetter(headers: Headers): Promise<void> {
    return this.#ledger.deadLetter(this, headers);
  }

  /** Its lease is no longer renewed; our next source finds it under our name, or another consumer claims it. */
  abandon(): void {
    this.#ledger.abandon(this);
  }
}

/** Was handed to somebody before. */
export class ClaimedDelivery extends RedisDelivery implements Delivery {
  precedes(other: Delivery): boolean {
    return other.destination === this.destination && compareIds(this.position, other.position) < 0;
  }
}
