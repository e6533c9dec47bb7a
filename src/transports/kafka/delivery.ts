import type { Headers, SpanAttributes } from '../../contracts/message.ts';
import type { Delivery, DeliveryHolder } from '../../contracts/transport.ts';
import type { IncomingRecord } from './driver.ts';
import type { LedgerEntry, PartitionLedger } from './ledger.ts';
import { KafkaMessage } from './record.ts';

/** Who settles the deliveries of one member. */
export interface DeliveryOwner {
  settle(delivery: KafkaDelivery): void;
  forget(delivery: KafkaDelivery): void;
  stirred(delivery: KafkaDelivery, quietMs: number): void;
  storeDeadLetter(delivery: KafkaDelivery, headers: Headers): Promise<void>;
}

/** One record handed to us, with its place in the ledger of the partition. */
export class KafkaDelivery implements Delivery, LedgerEntry {
  readonly message: KafkaMessage;
  readonly offset: number;
  readonly next: number;
  readonly ledger: PartitionLedger<KafkaDelivery>;
  holder: DeliveryHolder | undefined = undefined;
  isDone = false;
  isHeld = true;
  /** Kafka keeps no count. */
  readonly deliveryCount = undefined;
  readonly #owner: DeliveryOwner;

  constructor(
    record: IncomingRecord,
    offset: number,
    next: number,
    ledger: PartitionLedger<KafkaDelivery>,
    owner: DeliveryOwner,
  ) {
    this.message = new KafkaMessage(record);
    this.offset = offset;
    this.next = next;
    this.ledger = ledger;
    this.#owner = owner;
  }

  get destination(): string {
    return this.ledger.place.topic;
  }

  get position(): string {
    return `${this.ledger.place.partition}:${this.offset}`;
  }

  get partition(): string {
    return String(this.ledger.place.partition);
  }

  get spanAttributes(): SpanAttributes {
    const { recordKey } = this.message;
    const offset = { 'messaging.kafka.offset': this.offset };
    return recordKey === undefined ? offset : { ...offset, 'messaging.kafka.message.key': recordKey };
  }

  ack(): void {
    this.#owner.settle(this);
  }

  /** Nothing is sent: its offset isn't committed, so whoever reads the partition next begins there. */
  release(): Promise<void> {
    this.#owner.forget(this);
    return Promise.resolve();
  }

  deadLetter(headers: Headers): Promise<void> {
    return this.#owner.storeDeadLetter(this, headers);
  }

  stirred(quietMs: number): void {
    this.#owner.stirred(this, quietMs);
  }

  abandon(): void {
    this.#owner.forget(this);
  }
}

/** Makes deliveries of what a ledger has unread, in its order and as many as its window has room for. */
export function handOut(
  ledger: PartitionLedger<KafkaDelivery>,
  window: number,
  owner: DeliveryOwner,
): KafkaDelivery[] {
  const { unread } = ledger;
  const deliveries: KafkaDelivery[] = [];
  for (let first = unread.peek(); first !== undefined; first = unread.peek()) {
    const { record, offset, next } = first;
    if (!ledger.recognises(offset)) {
      if (!ledger.hasRoom(window)) break;
      const delivery = new KafkaDelivery(record, offset, next, ledger, owner);
      ledger.add(delivery);
      deliveries.push(delivery);
    }
    unread.drop();
  }
  return deliveries;
}
