import type { KafkaDelivery } from './delivery.ts';
import type { KafkaMember, TopicPartition } from './driver.ts';
import { PartitionLedger } from './ledger.ts';
import type { Beginning } from './source-host.ts';

export type Ledger = PartitionLedger<KafkaDelivery>;

/** The partitions that a member has, and what it knows of each. */
export class Assignment {
  readonly #ledgers = new Map<string, Ledger>();
  readonly #forget: (delivery: KafkaDelivery) => void;
  #committing: Promise<void> = Promise.resolve();

  constructor(forget: (delivery: KafkaDelivery) => void) {
    this.#forget = forget;
  }

  [Symbol.iterator](): Iterator<Ledger> {
    return this.#ledgers.values();
  }

  get places(): TopicPartition[] {
    return [...this.#ledgers.values()].map(({ place }) => place);
  }

  find(place: TopicPartition): Ledger | undefined {
    return this.#ledgers.get(nameOf(place));
  }

  /**
   * Gives up what isn't among `places` any more; what stays is read again from what is committed. Returns those that are
   * new. Unless the membership goes on, all of them are: somebody else may have had them meanwhile.
   */
  deal(places: readonly TopicPartition[], isContinued: boolean): TopicPartition[] {
    const own = new Set(places.map(nameOf));
    for (const [name, ledger] of this.#ledgers) {
      if (isContinued && own.has(name)) ledger.rewind();
      else {
        this.#lose(ledger);
        this.#ledgers.delete(name);
      }
    }
    return places.filter((place) => !this.#ledgers.has(nameOf(place)));
  }

  begin({ place, committed, finished, begin }: Beginning): void {
    const ledger: Ledger = new PartitionLedger(place, committed, finished);
    // Held on to, or a restart would begin elsewhere, and pass over what came meanwhile.
    if (begin !== undefined) ledger.keepChange();
    this.#ledgers.set(nameOf(place), ledger);
  }

  /** The topic was emptied or made anew: its old numbers mean nothing now. */
  beginAgain(place: TopicPartition): Ledger {
    const old = this.find(place);
    if (old !== undefined) this.#lose(old);
    const ledger: Ledger = new PartitionLedger(place, -1, []);
    this.#ledgers.set(nameOf(place), ledger);
    return ledger;
  }

  /** Nothing of it can be settled any more. */
  end(): void {
    for (const ledger of this.#ledgers.values()) this.#lose(ledger);
    this.#ledgers.clear();
  }

  /**
   * Stores how far everything is done; resolves with the number of partitions that had changed.
   * @throws {Error} when it isn't stored; then the next call tries again.
   */
  commit(member: KafkaMember): Promise<number> {
    const turn = this.#committing.then(() => this.#commit(member));
    this.#committing = turn.then(ignore, ignore);
    return turn;
  }

  async #commit(member: KafkaMember): Promise<number> {
    const changes = [...this.#ledgers.values()].flatMap((ledger) => {
      const mark = ledger.takeChange();
      return mark === undefined ? [] : [{ ledger, commit: { ...ledger.place, ...mark } }];
    });
    if (changes.length === 0) return 0;
    try {
      await member.commit(changes.map(({ commit }) => commit));
    } catch (error) {
      for (const { ledger } of changes) ledger.keepChange();
      throw error;
    }
    return changes.length;
  }

  #lose(ledger: Ledger): void {
    for (const delivery of ledger.held()) {
      const { holder } = delivery;
      this.#forget(delivery);
      holder?.lost();
    }
  }
}

function nameOf({ topic, partition }: TopicPartition): string {
  return `${topic}/${partition}`;
}

function ignore(): void {}
