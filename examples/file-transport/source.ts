import type { Delivery, DeliveryHolder, Headers, Message, Source } from 'buschart/transport';
import type { DeadLetterFile } from './dead-letters.ts';
import type { Group, Place, Taker } from './group.ts';

/** Deliveries handed out and unsettled at once, by one source. */
export const WINDOW = 100;

/** What a source needs of the connection that it belongs to. */
export interface SourceHome {
  readonly destination: string;
  readonly deadLetters: DeadLetterFile;
  /** A settlement could not be written: the connection is of no use any more. */
  failed(error: unknown): void;
}

/** What one consumer of a group is handed. */
export class FileSource implements Source, Taker {
  readonly window = WINDOW;
  readonly ready: Promise<void>;
  readonly #home: SourceHome;
  readonly #opening: Promise<Group>;
  readonly #deliveries = new Set<FileDelivery>();
  #group: Group | undefined = undefined;
  #noteReady: () => void = () => undefined;
  #isPaused = false;
  #end: { readonly error: Error | undefined } | undefined = undefined;
  #wake: () => void = () => undefined;

  constructor(group: Promise<Group>, home: SourceHome) {
    this.#opening = group;
    this.#home = home;
    this.ready = new Promise((resolve) => (this.#noteReady = resolve));
    // The iteration tells of it.
    group.catch(() => undefined);
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<readonly Delivery[]> {
    const group = await this.#opening;
    if (this.#end === undefined) {
      this.#group = group;
      group.join(this);
      this.#noteReady();
    }
    while (this.#end === undefined) {
      const room = this.#isPaused ? 0 : WINDOW - this.#deliveries.size;
      const places = group.take(this, room);
      if (places.length > 0) yield* this.#deliver(group, places);
      else await new Promise<void>((resolve) => (this.#wake = resolve));
    }
    if (this.#end.error !== undefined) throw this.#end.error;
  }

  wake(): void {
    this.#wake();
  }

  pause(): void {
    this.#isPaused = true;
  }

  resume(): void {
    this.#isPaused = false;
    this.#wake();
  }

  stop(): Promise<void> {
    this.#end ??= { error: undefined };
    this.#wake();
    return Promise.resolve();
  }

  async close(): Promise<void> {
    await this.stop();
    this.#group?.leave(this);
    await this.#group?.save();
  }

  /** The connection is gone: what was handed out here is everybody's again. */
  lose(error: Error | undefined): void {
    this.#end ??= { error };
    this.#group?.leave(this);
    // The newest first, or the next of a key would begin in the place of the one before it.
    for (const delivery of [...this.#deliveries].reverse()) delivery.lose();
    this.#wake();
  }

  /** Nothing, if the source ended while they were read. */
  async *#deliver(group: Group, places: readonly Place[]): AsyncGenerator<readonly Delivery[]> {
    let messages: readonly Message[] = [];
    try {
      messages = await group.read(places);
    } finally {
      if (messages.length === 0 || this.#end !== undefined) for (const place of places) group.giveBack(place);
    }
    if (this.#end !== undefined) return;
    const deliveries = places.map(
      (place, at) => new FileDelivery(place, messages[at] as Message, this.#keeper(group)),
    );
    for (const delivery of deliveries) this.#deliveries.add(delivery);
    yield deliveries;
  }

  #keeper(group: Group): Keeper {
    return {
      group,
      home: this.#home,
      freed: (delivery) => {
        this.#deliveries.delete(delivery);
        this.#wake();
      },
    };
  }
}

interface Keeper {
  readonly group: Group;
  readonly home: SourceHome;
  freed(delivery: FileDelivery): void;
}

class FileDelivery implements Delivery {
  readonly message: Message;
  readonly deliveryCount = undefined;
  holder: DeliveryHolder | undefined = undefined;
  readonly #place: Place;
  readonly #keeper: Keeper;

  constructor(place: Place, message: Message, keeper: Keeper) {
    this.#place = place;
    this.message = message;
    this.#keeper = keeper;
  }

  get destination(): string {
    return this.#keeper.home.destination;
  }

  get position(): string {
    return `${this.#place.in} ${this.#place.line}`;
  }

  precedes(other: Delivery): boolean {
    if (!(other instanceof FileDelivery)) return false;
    const [mine, its] = [this.#place, other.#place];
    return mine.isReturned && mine.in === its.in && mine.line < its.line;
  }

  ack(): void {
    const { group, home } = this.#keeper;
    if (!group.settle(this.#place)) return;
    this.#keeper.freed(this);
    group.save().catch((error: unknown) => home.failed(error));
  }

  release(): Promise<void> {
    this.abandon();
    return Promise.resolve();
  }

  /** It is acknowledged afterwards: the two are in two files, so no single write could do both. */
  deadLetter(headers: Headers): Promise<void> {
    return this.#keeper.home.deadLetters.add(this.#keeper.group.name, this.message, headers);
  }

  abandon(): void {
    if (this.#keeper.group.giveBack(this.#place)) this.#keeper.freed(this);
  }

  lose(): void {
    this.holder?.lost();
    this.abandon();
  }
}
