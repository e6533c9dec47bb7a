import type { Headers } from '../../contracts/message.ts';
import type { Delivery, Source, SourceOptions } from '../../contracts/transport.ts';
import { ConnectionError } from '../../errors.ts';
import { Arrivals } from './arrivals.ts';
import { Assignment, type Ledger } from './assignment.ts';
import { handOut, type DeliveryOwner, type KafkaDelivery } from './delivery.ts';
import type { IncomingRecord, KafkaMember, MemberListener, TopicPartition } from './driver.ts';
import { begunAgain, committed, foreign, rebalanced, trimmed } from './notices.ts';
import { hung, Progress } from './progress.ts';
import type { SourceHost } from './source-host.ts';
import { lagOf } from './topic-info.ts';

/** Most records of one partition that are in hand. As many may be unread behind them before its reading rests. */
const WINDOW = 1000;
const COMMIT_EVERY_MS = 200;

/** One member of a group, with a ledger for each partition that it has. */
export class KafkaSource implements Source, MemberListener, DeliveryOwner {
  readonly window = WINDOW;
  readonly ready: Promise<void>;
  readonly #host: SourceHost;
  readonly #options: SourceOptions;
  readonly #progress: Progress;
  readonly #assignment = new Assignment((delivery) => this.forget(delivery));
  readonly #arrivals = new Arrivals();
  readonly #timer: NodeJS.Timeout;
  #begun: () => void = () => undefined;
  #member: KafkaMember | undefined;
  #isPaused = false;
  #isStopped = false;
  #isRevoking = false;
  #failure: Error | undefined;
  #closing: Promise<void> | undefined;

  constructor(host: SourceHost, options: SourceOptions) {
    this.#host = host;
    this.#options = options;
    this.#progress = new Progress(host.maxPollIntervalMs);
    this.ready = new Promise((resolve) => (this.#begun = resolve));
    this.#timer = setInterval(() => this.#tick(), COMMIT_EVERY_MS);
    this.#start().catch((error: unknown) => this.ended(error as Error));
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<readonly Delivery[], void, undefined> {
    for (;;) {
      const batch = this.#arrivals.take();
      if (batch.length > 0) yield batch;
      else if (this.#failure !== undefined) throw this.#failure;
      else if (this.#isStopped) return;
      else await this.#arrivals.next();
    }
  }

  pause(): void {
    this.#isPaused = true;
    this.#member?.pause(this.#assignment.places);
  }

  resume(): void {
    this.#isPaused = false;
    this.#progress.note();
    this.#matchDemand();
  }

  lag(): Promise<number> {
    return lagOf(this.#host.client, this.#options.group, this.places);
  }

  get places(): TopicPartition[] {
    return this.#assignment.places;
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    this.#member?.pause(this.#assignment.places);
    this.#dropArrived();
    this.#arrivals.wake();
  }

  close(): Promise<void> {
    return (this.#closing ??= this.#close());
  }

  /** The member is gone, and nothing of what it held can be settled any more. */
  ended(cause: Error): void {
    if (this.#failure !== undefined) return;
    this.#failure = cause;
    clearInterval(this.#timer);
    this.#arrivals.take();
    this.#host.left(this);
    this.#assignment.end();
    this.#progress.end();
    void this.#member?.drop(cause);
    this.#arrivals.wake();
  }

  get heldCount(): number {
    return this.#progress.held;
  }

  async revoking(): Promise<void> {
    this.#isRevoking = true;
    this.#dropArrived();
    for (const ledger of this.#assignment) for (const delivery of ledger.held()) this.#recall(delivery);
    await this.#progress.quiet(this.#host.revokeMs);
    await this.#commit().catch(() => undefined);
  }

  async assigned(places: readonly TopicPartition[], isContinued: boolean): Promise<void> {
    const fresh = this.#assignment.deal(places, isContinued);
    for (const beginning of await this.#host.whereToBegin(this.#options.group, fresh)) {
      if (beginning.begin !== undefined) this.#member?.seek(beginning.place, beginning.begin);
      if (beginning.trimmed !== undefined)
        this.#options.notice?.(trimmed(beginning.place, beginning.trimmed));
      this.#assignment.begin(beginning);
    }
    this.#options.notice?.(rebalanced(places.length, this.#host.destination));
    this.#isRevoking = false;
    await this.#commit().catch(() => undefined);
    this.#matchDemand();
    this.#begun();
  }

  foreign(topics: readonly string[]): void {
    this.#options.notice?.(foreign(topics, this.#host.destination, this.#options.group));
  }

  async fetched(place: TopicPartition, records: readonly IncomingRecord[], next: number): Promise<number> {
    let ledger = this.#assignment.find(place);
    if (records.length === 0) ledger?.passOver(next);
    if (ledger === undefined || this.#isRevoking || this.#isResting) return 0;
    if (records[0] !== undefined && ledger.isBehind(records[0].offset))
      ledger = this.#beginAgain(place, ledger);
    ledger.unread.add(records, next);
    this.#handOut(ledger);
    if (ledger.isFull) this.#member?.pause([place]);
    return records.length;
  }

  settle(delivery: KafkaDelivery): void {
    if (!delivery.isHeld) return;
    const { ledger } = delivery;
    ledger.settle(delivery);
    this.#progress.settled();
    if (ledger.unread.count > 0 && ledger.open <= WINDOW / 2) this.#readOn(ledger);
  }

  forget(delivery: KafkaDelivery): void {
    if (!delivery.isHeld) return;
    delivery.ledger.forget(delivery);
    this.#progress.settled();
  }

  stirred(delivery: KafkaDelivery, quietMs: number): void {
    this.#progress.note(quietMs);
    // An attempt may have failed that nobody need wait for any more; whether it is tried again is decided just now.
    if (this.#isRevoking) queueMicrotask(() => this.#recall(delivery));
  }

  storeDeadLetter(delivery: KafkaDelivery, headers: Headers): Promise<void> {
    return this.#host.storeDeadLetter(delivery.message, headers);
  }

  async #start(): Promise<void> {
    const { group, consumer } = this.#options;
    const topics = await this.#host.topicsOf(group);
    if (this.#failure !== undefined || this.#isStopped) return;
    this.#member = this.#host.client.join(
      { group, clientId: consumer, topics, identity: this.#host.identityOf(group, consumer) },
      this,
    );
  }

  /** Hands out what is unread, as far as the window has room; one more window may wait before reading rests. */
  #handOut(ledger: Ledger): void {
    if (!this.#isResting && !this.#isRevoking) {
      const deliveries = handOut(ledger, WINDOW, this);
      this.#progress.arrived(deliveries.length);
      this.#arrivals.add(deliveries);
    }
    ledger.isFull = ledger.unread.count >= WINDOW;
  }

  get #isResting(): boolean {
    return this.#isPaused || this.#isStopped || this.#failure !== undefined;
  }

  #beginAgain(place: TopicPartition, old: Ledger): Ledger {
    this.#arrivals.forget(old);
    this.#options.notice?.(begunAgain(place));
    return this.#assignment.beginAgain(place);
  }

  /** Waits for nothing of which nothing runs: whoever has the partition next begins with it anew. */
  #recall(delivery: KafkaDelivery): void {
    if (delivery.isHeld && this.#isRevoking && delivery.holder?.recall() === true) this.forget(delivery);
  }

  #dropArrived(): void {
    for (const delivery of this.#arrivals.take()) this.forget(delivery);
  }

  #matchDemand(): void {
    if (this.#isStopped || this.#isPaused) this.#member?.pause(this.#assignment.places);
    else {
      const ledgers = [...this.#assignment];
      for (const ledger of ledgers) this.#handOut(ledger);
      this.#member?.pause(ledgers.filter(({ isFull }) => isFull).map(({ place }) => place));
      this.#member?.resume(ledgers.filter(({ isFull }) => !isFull).map(({ place }) => place));
    }
  }

  #readOn(ledger: Ledger): void {
    if (this.#isResting || this.#isRevoking) return;
    const { isFull } = ledger;
    this.#handOut(ledger);
    if (isFull && !ledger.isFull) this.#member?.resume([ledger.place]);
  }

  #tick(): void {
    // Where most of the window waits behind one key, the others have the rest of it.
    for (const ledger of this.#assignment) if (ledger.unread.count > 0) this.#readOn(ledger);
    if (this.#progress.isHung && !this.#isPaused) {
      // Others may fare better with it, and they get it only if this one leaves.
      void this.#member?.leave();
      this.ended(hung(this.#host.maxPollIntervalMs));
    } else if (!this.#isRevoking) void this.#commit().catch(() => undefined);
  }

  async #commit(): Promise<void> {
    if (this.#member === undefined) return;
    const partitions = await this.#assignment.commit(this.#member);
    if (partitions > 0) this.#options.notice?.(committed(partitions));
  }

  async #close(): Promise<void> {
    await this.stop();
    // A group that is just being dealt out anew refuses; its next round doesn't.
    for (let tries = 0; tries < 3 && this.#failure === undefined; tries++) {
      try {
        await this.#commit();
        break;
      } catch {
        await new Promise((resolve) => setTimeout(resolve, COMMIT_EVERY_MS));
      }
    }
    await this.#member?.leave();
    this.ended(new ConnectionError('The source is closed'));
  }
}
