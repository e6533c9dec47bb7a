/** What a process of a contestant is told over its IPC channel, and what it answers. */
export type Command = { readonly type: 'round' } | { readonly type: 'end' };
export type Answer =
  | { readonly type: 'ready' }
  | { readonly type: 'figures'; readonly figures: Figures }
  | { readonly type: 'failed'; readonly error: string };

/** Of one round. Anything lost or duplicated makes the values void. */
export interface Figures {
  readonly values: Readonly<Partial<Record<Unit, number>>>;
  /** Deliveries that should have happened and did not. */
  readonly lost: number;
  /** Deliveries of what had been delivered already. */
  readonly duplicated: number;
}

/** Events or deliveries in a second, or as a multiple of what the same process did without; milliseconds; bytes of heap. */
export type Unit = 'perSecond' | 'ofFloor' | 'p50Ms' | 'p99Ms' | 'growthBytes';

/** One of those that a row compares. It is made in a process of its own, and runs round after round when it is told. */
export interface Contestant {
  /** Before each round, outside the time that is taken. */
  prepare(): Promise<void> | void;
  round(): Promise<Figures>;
  close(): Promise<void>;
}

/** Where the contestants of a broker find it, and what they may touch there. */
export interface Place {
  /** Of the broker; for Kafka its `host:port`. Empty where none is needed. */
  readonly url: string;
  /** The names of all that they make begin with it. */
  readonly prefix: string;
}

/** Makes one, warmed up. */
export type Enter = (place: Place) => Promise<Contestant>;
