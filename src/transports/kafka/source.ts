import type { Headers } from '../../contracts/message.ts';
import type { Delivery, Source, SourceOptions } from '../../contracts/transport.ts';
import { ConnectionError } from '../../errors.ts';
import { Assignment, type Ledger } from './assignment.ts';
import { handOut, type DeliveryOwner, type KafkaDelivery } from './delivery.ts';
import type { IncomingRecord, KafkaMember, MemberListener, TopicPartition } from './driver.ts';
import { begunAgain, rebalanced, trimmed } from './notices.ts';
import { Progress } from './progress.ts';
import type { SourceHost } from './source-host.ts';

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
  readonly #timer: NodeJS.Timeout;
  #begun: () => void = () => undefined;
  #member: KafkaMember | undefined;
  #arrived: KafkaDelivery[] = [];
  #isPaused = false;
  #isStopped = false;
  #isRevoking = false;
  #failure: Error | undefined;
  #wake: () => void = () => undefined;
  #closing: Promise<void> | undefined;

  constructor(host: SourceHost, options: SourceOptions) {
    this.#host = host;
    this.#options = options;
    this.#progress = new Progress(host.maxPollIntervalMs);
    this.ready = new Promise((resolve) => (this.#begun = resolve));
    this.#timer = setInterval(() => this.#tick(), COMMIT_EVERY_MS);
    void this.#start().catch((error: unknown) => this.fail(error as Error));
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<readonly Delivery[], void, undefined> {
    for (;;) {
      const batch = this.#arrived;
      this.#arrived = [];
      if (batch.length > 0) yield batch;
      else if (this.#failure !== undefined) throw this.#failure;
      else if (this.#isStopped) return;
      else await new Promise<void>((resolve) => (this.#wake = resolve));
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

  stop(): Promise<void> {
    this.#isStopped = true;
    this.#member?.pause(this.#assignment.places);
    this.#dropArrived();
    this.#wake();
    return Promise.resolve();
  }

  close(): Promise<void> {
    return (this.#closing ??= this.#close());
  }

  /** The member is gone, and nothing of what it held can be settled any more. */
  fail(cause: Error): void {
    if (this.#failure !== undefined) return;
    this.#failure = cause;
    clearInterval(this.#timer);
    this.#arrived = [];
    this.#host.left(this);
    this.#assignment.end();
    this.#progress.end();
    void this.#member?.drop(cause);
    this.#wake();
  }

  get heldCount(): number {
    return this.#progress.held;
  }

  ended(cause: Error): void {
    this.fail(cause);
  }

  async revoking(): Promise<void> {
    this.#isRevoking = true;
    this.#dropArrived();
    for (const ledger of this.#assignment)
      for (const delivery of ledger.held()) if (delivery.holder?.recall() === true) this.forget(delivery);
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
    this.#matchDemand();
    this.#begun();
  }

  fetched(place: TopicPartition, records: readonly IncomingRecord[], next: number): Promise<number> {
    return Promise.resolve(this.#take(place, records, next));
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

  stirred(quietMs: number): void {
    this.#progress.note(quietMs);
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

  /** How many of the records are ours to keep. */
  #take(place: TopicPartition, records: readonly IncomingRecord[], next: number): number {
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

  /** Hands out what is unread, as far as the window has room; one more window may wait before reading rests. */
  #handOut(ledger: Ledger): void {
    if (!this.#isResting && !this.#isRevoking) {
      const deliveries = handOut(ledger, WINDOW, this);
      this.#progress.arrived(deliveries.length);
      for (const delivery of deliveries) this.#arrived.push(delivery);
      if (this.#arrived.length > 0) this.#wake();
    }
    ledger.isFull = ledger.unread.count >= WINDOW;
  }

  get #isResting(): boolean {
    return this.#isPaused || this.#isStopped || this.#failure !== undefined;
  }

  #beginAgain(place: TopicPartition, old: Ledger): Ledger {
    this.#arrived = this.#arrived.filter(({ ledger }) => ledger !== old);
    this.#options.notice?.(begunAgain(place));
    return this.#assignment.beginAgain(place);
  }

  #dropArrived(): void {
    for (const delivery of this.#arrived.splice(0)) this.forget(delivery);
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
      const ms = this.#host.maxPollIntervalMs;
      const member = this.#member;
      // Others may fare better with it, and they get it only if this one leaves.
      void member?.leave();
      this.fail(
        new ConnectionError(
          `Nothing came of what is in hand for ${ms} ms (maxPollIntervalMs), so the member left`,
        ),
      );
    } else if (!this.#isRevoking) void this.#commit().catch(() => undefined);
  }

  async #commit(): Promise<void> {
    if (this.#member !== undefined) await this.#assignment.commit(this.#member);
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
    const member = this.#member;
    await member?.leave();
    this.fail(new ConnectionError('The source is closed'));
  }
}
