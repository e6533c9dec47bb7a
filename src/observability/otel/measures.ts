/** Takes what happens on one bus and makes numbers of it. Times are in milliseconds. */
export interface Measures {
  /** A call of publish has settled; `stored` of its events are. */
  published(types: readonly string[], stored: number, tookMs: number, failure: Thrown | undefined): void;
  /** A delivery begins, so long after it was pulled; undefined on a bus that pulls nothing. */
  started(type: string, partition: string | undefined, waitedMs: number | undefined): void;
  /** An attempt of a handler is over. */
  attempted(type: string, handler: string, tookMs: number, failure: Thrown | undefined): void;
  /** A failed handler is going to be tried again. */
  retried(type: string, handler: string, error: unknown): void;
  /** A failed handler is let go of, without a dead letter. */
  dropped(type: string, error: unknown): void;
  /** How a delivery ended; the reason is that of its dead letter. */
  ended(type: string, outcome: string, tookMs: number, failure: Failure | undefined): void;
  /** Kinds of TransportNotice, and `reconnected`. */
  noticed(kind: string, count: number): void;
  /** An attempt to connect came to nothing. */
  connectFailed(error: unknown): void;
  connectionLost(error: unknown): void;
  /** The statistics begin anew right after this. */
  restart(): void;
  /** The bus has stopped. */
  stop(): void;
}

/** Anything may have been thrown, also undefined. */
export interface Thrown {
  readonly error: unknown;
}

export interface Failure extends Thrown {
  readonly reason: string;
}
