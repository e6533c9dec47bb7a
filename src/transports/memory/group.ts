import type { Headers, Message } from '../../contracts/message.ts';
import type { Delivery, DeliveryHolder } from '../../contracts/transport.ts';

/** What a group needs of its broker. */
export interface MemoryStore {
  nextPosition(): string;
  /** Stores a dead letter; returns how many older ones had to go. */
  add(message: Message, headers: Headers): number;
}

/** Takes the entries of a group; the one that waits longest is served first. */
export interface MemoryConsumer {
  /** There are entries: it may {@link MemoryGroup.take} them. */
  wake(): void;
  /** One of those it holds is settled or given back. */
  freed(): void;
  /** So many dead letters had to go for newer ones. */
  dropped(count: number): void;
}

/** One message in one group. */
export class MemoryDelivery implements Delivery {
  readonly message: Message;
  readonly destination: string;
  readonly position: string;
  deliveryCount = 0;
  holder: DeliveryHolder | undefined = undefined;
  /** Whether it came back unsettled before. */
  isReturned = false;
  consumer: MemoryConsumer | undefined = undefined;
  readonly #group: MemoryGroup;
  #moved: (() => void)[] = [];

  constructor(message: Message, destination: string, position: string, group: MemoryGroup) {
    this.message = message;
    this.destination = destination;
    this.position = position;
    this.#group = group;
  }

  /** Resolves once it is settled, waits behind others, or is another's: nobody need wait for it any longer. */
  get moved(): Promise<void> {
    return new Promise((resolve) => this.#moved.push(resolve));
  }

  precedes(other: Delivery): boolean {
    return this.isReturned && this.position < other.position;
  }

  parked(): void {
    for (const resolve of this.#moved.splice(0)) resolve();
  }

  ack(): void {
    if (this.#group.settle(this)) this.parked();
  }

  release(): Promise<void> {
    this.#group.giveBack(this, false);
    return Promise.resolve();
  }

  abandon(): void {
    this.#group.giveBack(this, true);
  }

  deadLetter(headers: Headers): Promise<void> {
    if (this.#group.settle(this)) {
      const dropped = this.#group.broker.add(this.message, headers);
      if (dropped > 0) this.consumer?.dropped(dropped);
      this.parked();
    }
    return Promise.resolve();
  }
}

/** What one group has yet to be handed, and what it holds unsettled. */
export class MemoryGroup {
  readonly broker: MemoryStore;
  readonly name: string;
  readonly #maxUnconsumed: number;
  #queue: MemoryDelivery[] = [];
  #lost = 0;
  readonly #pending = new Set<MemoryDelivery>();
  readonly #consumers = new Set<MemoryConsumer>();

  /** @param maxUnconsumed most entries that wait while it has no consumer; the oldest go first. */
  constructor(name: string, broker: MemoryStore, maxUnconsumed: number) {
    this.name = name;
    this.broker = broker;
    this.#maxUnconsumed = maxUnconsumed;
  }

  get length(): number {
    return this.#queue.length;
  }

  get pendingCount(): number {
    return this.#pending.size;
  }

  get consumerCount(): number {
    return this.#consumers.size;
  }

  join(consumer: MemoryConsumer): void {
    this.#consumers.add(consumer);
  }

  leave(consumer: MemoryConsumer): void {
    this.#consumers.delete(consumer);
  }

  add(message: Message, destination: string): MemoryDelivery {
    const delivery = new MemoryDelivery(message, destination, this.broker.nextPosition(), this);
    this.#queue.push(delivery);
    this.#forget();
    this.#wake();
    return delivery;
  }

  take(consumer: MemoryConsumer, count: number): MemoryDelivery[] {
    const taken = this.#queue.splice(0, count);
    for (const delivery of taken) {
      delivery.deliveryCount++;
      delivery.consumer = consumer;
      this.#pending.add(delivery);
    }
    if (taken.length > 0) {
      // Served: it goes behind the others.
      this.#consumers.delete(consumer);
      this.#consumers.add(consumer);
    }
    return taken;
  }

  /** Entries that had to go while nobody consumed, since it was last asked. */
  takeLost(): number {
    const lost = this.#lost;
    this.#lost = 0;
    return lost;
  }

  /** False when it isn't the consumer's to settle any more. */
  settle(delivery: MemoryDelivery): boolean {
    if (!this.#pending.delete(delivery)) return false;
    delivery.consumer?.freed();
    return true;
  }

  /** Back to its place in the queue; a loss counts as a delivery, a release doesn't. */
  giveBack(delivery: MemoryDelivery, wasLost: boolean): void {
    if (!this.#pending.delete(delivery)) return;
    if (!wasLost) delivery.deliveryCount--;
    delivery.consumer?.freed();
    delivery.isReturned = true;
    delivery.parked();
    // A fresh record: whoever held the old one must not settle the new.
    const again = new MemoryDelivery(delivery.message, delivery.destination, delivery.position, this);
    again.deliveryCount = delivery.deliveryCount;
    again.isReturned = true;
    const at = this.#queue.findIndex(({ position }) => position > again.position);
    this.#queue.splice(at < 0 ? this.#queue.length : at, 0, again);
    this.#wake();
  }

  /** A consumer is gone: what it held is everybody's again. */
  lose(consumer: MemoryConsumer): void {
    this.leave(consumer);
    for (const delivery of [...this.#pending].reverse())
      if (delivery.consumer === consumer) {
        delivery.holder?.lost();
        this.giveBack(delivery, true);
      }
  }

  #forget(): void {
    if (this.#consumers.size > 0) return;
    this.#lost += this.#queue.splice(0, Math.max(0, this.#queue.length - this.#maxUnconsumed)).length;
  }

  #wake(): void {
    for (const consumer of [...this.#consumers]) {
      if (this.#queue.length === 0) return;
      consumer.wake();
    }
  }
}
