import type { Redis } from 'ioredis';
import { ClaimedDelivery, RedisDelivery } from './delivery.ts';
import { fromFields, maybeInvalid, payloadBytes } from './message-fields.ts';
import type { FlatFields } from './message-fields.ts';
import type { StreamLedger } from './stream-ledger.ts';

export type ReadEntry = readonly [id: string, fields: FlatFields];

/** Turns what was read into deliveries, enters them in the ledger, and hands them on in the order of arrival. */
export class Arrivals {
  readonly #redis: Redis;
  readonly #handOn: (deliveries: RedisDelivery[]) => void;
  /** The wait for raw bytes, which later arrivals must not overtake. */
  #checking: Promise<void> | undefined;

  constructor(redis: Redis, handOn: (deliveries: RedisDelivery[]) => void) {
    this.#redis = redis;
    this.#handOn = handOn;
  }

  /** Resolves once all that arrived has been handed on. */
  async settled(): Promise<void> {
    await this.#checking;
  }

  /** Entries that were never handed out before. */
  fresh(ledger: StreamLedger, entries: readonly ReadEntry[]): void {
    const deliveries: RedisDelivery[] = [];
    let suspects: RedisDelivery[] | undefined;
    const mayBeHeld = mayHave(ledger, entries);
    for (const [id, fields] of entries) {
      // After a destroyed group was made again, entries in hand come once more.
      if (mayBeHeld && ledger.held.find(id) !== undefined) continue;
      const message = fromFields(fields);
      const delivery = new RedisDelivery(message, id, 1, ledger);
      ledger.held.add(delivery);
      deliveries.push(delivery);
      if (maybeInvalid(message.body)) (suspects ??= []).push(delivery);
    }
    this.#arrive(deliveries, suspects);
  }

  /** Entries taken over, with the number of times they have now been handed out. */
  claimed(
    ledger: StreamLedger,
    entries: readonly (readonly [id: string, fields: FlatFields, deliveryCount: number])[],
  ): void {
    const deliveries = entries.map(
      ([id, fields, count]) => new ClaimedDelivery(fromFields(fields), id, count, ledger),
    );
    mayHave(ledger, entries);
    for (const delivery of deliveries) ledger.held.add(delivery);
    this.#arrive(
      deliveries,
      deliveries.filter(({ message }) => maybeInvalid(message.body as string)),
    );
  }

  #arrive(deliveries: RedisDelivery[], suspects: readonly RedisDelivery[] = []): void {
    if (suspects.length === 0 && this.#checking === undefined) {
      this.#handOn(deliveries);
      return;
    }
    const checked = Promise.all([this.#checking, ...suspects.map((suspect) => this.#fetchBytes(suspect))]);
    const checking = checked
      .catch(() => undefined)
      .then(() => {
        if (this.#checking === checking) this.#checking = undefined;
        this.#handOn(deliveries);
      });
    this.#checking = checking;
  }

  /** The replacement character may be the author's own, or stand for bytes that aren't UTF-8: only the bytes tell. */
  async #fetchBytes(delivery: RedisDelivery): Promise<void> {
    const { destination, position, message } = delivery;
    const [entry] = await this.#redis.xrangeBuffer(destination, position, position);
    const bytes = entry === undefined ? undefined : payloadBytes(entry[1]);
    if (bytes !== undefined && !bytes.equals(Buffer.from(message.body as string))) {
      delivery.message = { ...message, body: bytes };
    }
  }
}

function mayHave({ held }: StreamLedger, entries: readonly (readonly [id: string, ...unknown[]])[]): boolean {
  const first = entries[0]?.[0];
  return first !== undefined && held.mayHave(first, (entries.at(-1) as (typeof entries)[number])[0]);
}
