// What the server and its page say to each other. The page imports these types and nothing else of the library.

/** Actors as the page shows them; the charts of `machines/` by their ids. */
export type ActorKind =
  'bus' | 'connection' | 'consumer' | 'subscription' | 'handler' | 'deliveries' | 'delivery';

export interface ActorRow {
  readonly id: string;
  readonly parent: string | undefined;
  readonly kind: ActorKind;
  readonly name: string;
  /** Its state in words: of parallel ones the lifecycle's, and what isn't as usual. */
  readonly state: string;
  /** Nodes of its chart that are active. */
  readonly active: readonly string[];
  readonly tone: Tone;
}

/** How a state is to be taken: works, on its way, in trouble, over. */
export type Tone = 'good' | 'busy' | 'bad' | 'over';

export interface Happening {
  /** Milliseconds since the epoch. */
  readonly at: number;
  readonly message: string;
  /** States it led to, innermost; empty for a message that changed nothing. */
  readonly to: readonly string[];
  /** Nodes of the chart it was taken from, with the transition's place among theirs. */
  readonly taken: readonly string[];
  /** What the message said beside its type. */
  readonly detail: string;
}

export interface ActorDetails extends ActorRow {
  readonly context: readonly (readonly [name: string, value: string])[];
  /** Newest first. */
  readonly happened: readonly Happening[];
}

/** One sample of the plots. Null where it isn't known. */
export interface Sample {
  /** Seconds since the epoch. */
  readonly at: number;
  readonly published: number;
  readonly consumed: number;
  readonly failed: number;
  readonly inFlight: number;
  readonly troubled: number;
  readonly retried: number;
  readonly lag: number | null;
  readonly deadLetters: number | null;
}

export interface BusFacts {
  readonly state: string;
  readonly tone: Tone;
  readonly isPaused: boolean;
  readonly destination: string;
  readonly group: string;
  /** Why it isn't healthy. */
  readonly reasons: readonly string[];
  /** Why lag and dead letters aren't known at the moment. */
  readonly problem: string | undefined;
}

/** One message of the stream: what has changed since the one before. */
export interface Update {
  /** In the first one: all that doesn't change. */
  readonly hello?: Hello;
  readonly bus?: BusFacts;
  readonly actors?: readonly ActorRow[];
  readonly gone?: readonly string[];
  /** Troubled deliveries that are too many to be listed. */
  readonly unlisted?: number;
  readonly samples?: readonly Sample[];
}

export interface Hello {
  readonly allowActions: boolean;
  readonly payloads: 'none' | 'redacted' | 'full';
  readonly host: string;
  readonly pid: number;
}

export interface DeadLetterRow {
  readonly id: string;
  readonly eventType: string;
  readonly eventId: string;
  readonly aggregateId: string;
  readonly reason: string;
  readonly error: { readonly name: string; readonly message: string; readonly stack: string | undefined };
  readonly handlers: readonly { readonly name: string; readonly attempts: number; readonly error: string }[];
  readonly attempts: number;
  readonly replayCount: number;
  readonly destination: string;
  readonly position: string;
  /** ISO 8601. */
  readonly firstFailedAt: string;
  readonly lastFailedAt: string;
}

export interface DeadLetterPage {
  readonly letters: readonly DeadLetterRow[];
  readonly total: number;
  readonly hasMore: boolean;
}

export interface DeadLetterPayload {
  readonly body: unknown;
  readonly headers: unknown;
}

/** What an action did, in a sentence. */
export interface Done {
  readonly message: string;
}

export interface Refused {
  readonly error: string;
}
