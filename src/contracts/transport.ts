import type { DomainEvent } from './event.ts';
import type { Headers, Message, SpanAttributes } from './message.ts';
import type { TransportNotice } from './transport-notice.ts';

/** A broker driver: all there is to write to support one more broker. It decides nothing about settlement. */
export interface Transport {
  /** Value of the OpenTelemetry attribute `messaging.system`, such as `redis`. */
  readonly name: string;
  /** Where events go, in the broker's own words, such as `events:stream`. */
  readonly destination: string;
  /** `host:port` for messages, never a password; undefined while it isn't known. */
  readonly where?: string | undefined;
  readonly capabilities: Capabilities;
  /** A group is given only the types that were asked for: its sources have {@link Source.want} (false). */
  readonly bindsTypes?: boolean;
  /**
   * Milliseconds within which the broker wants a delivery settled, as far as that is known: a handler that may take as
   * long is warned of (Infinity).
   */
  readonly deliveryTimeoutMs?: number;
  /** What this broker's spans say of an event that is published; what all say isn't in it. */
  readonly eventAttributes?: (event: DomainEvent) => SpanAttributes;
  /**
   * Opens one connection; never retries.
   * @throws {ConnectionError} when the broker isn't reached before `signal` aborts; `retryable` is false for
   *   authentication and TLS errors.
   * @throws {ConfigurationError} when the broker can't do what the options ask for.
   */
  connect(signal: AbortSignal, notice?: (notice: TransportNotice) => void): Promise<Connection>;
}

/** What a broker can do; what differs between brokers is read here, never from a broker's name. */
export interface Capabilities {
  /** Messages outlive every process that uses the broker. */
  readonly durable: boolean;
  /** Consumers of one group may live in several processes. */
  readonly crossProcess: boolean;
  /** The broker counts how often it handed a message to a group. */
  readonly deliveryCount: boolean;
  /** Where order per key holds: within one consumer, or across the consumers of a group. */
  readonly keyOrder: 'single-consumer' | 'group';
  /** Deliveries are taken away unless renewed in time. */
  readonly leased: boolean;
  /** Dead letters of all groups can be listed at once. */
  readonly allGroups: boolean;
  /** A group made later gets what was published before it. */
  readonly replayFromStart: boolean;
  /**
   * Storing a dead letter settles its delivery in the same step. Elsewhere it is stored first and acknowledged then, so
   * that a crash in between stores it twice, under the same id.
   */
  readonly atomicDeadLetters: boolean;
  /** A retry may wait at the broker, {@link Delivery.defer}: no process holds the message meanwhile. */
  readonly delayedRetry: boolean;
}

/** One open connection. It never reconnects by itself: that is the bus machine's work. */
export interface Connection {
  /**
   * Stores messages in list order; resolves once every one is stored and routed. May be called again before an
   * earlier call has settled; order between the calls is kept.
   * @throws {PublishFailure} saying which of them are stored, in doubt or were never sent.
   */
  publish(messages: readonly Message[]): Promise<void>;
  /** Starts reading for a group; makes the group when it isn't there. */
  subscribe(options: SourceOptions): Source;
  readonly deadLetters: DeadLetterStore;
  info(group: string | undefined): Promise<ConnectionInfo>;
  /**
   * Assigned by the bus: told when the broker stops taking what is published (a memory alarm, say), and when it takes it
   * again. Publishes wait meanwhile.
   */
  onBlocked?: ((isBlocked: boolean) => void) | undefined;
  /** Settles when the connection is gone: undefined after `close()`, otherwise the cause. Never rejects. */
  readonly closed: Promise<Error | undefined>;
  /** Idempotent; resolves once no socket, timer or listener is left. */
  close(): Promise<void>;
}

export interface SourceOptions {
  readonly group: string;
  /** Name of this consumer in the group, unique among living ones. */
  readonly consumer: string;
  /** What its subscriptions ask for at the moment; brokers that hand a group everything pay no regard to it. */
  readonly interest: Interest;
  readonly notice?: (notice: TransportNotice) => void;
}

/** Which events a consumer has handlers for. */
export interface Interest {
  /** A handler takes every event; `types` are then all those known here. */
  readonly isEverything: boolean;
  readonly types: readonly { readonly type: string; readonly aggregateType: string }[];
}

/**
 * What a group hands to one consumer, in batches: a batch costs the consumer one wake-up. Reads ahead only as far
 * as its window has room, counting every delivery that isn't settled yet. The iteration ends after `stop()`, and
 * throws when reading can't go on; deliveries already yielded can still be settled after either.
 */
export interface Source extends AsyncIterable<readonly Delivery[]> {
  /** Most deliveries that may be pulled and unsettled at once. */
  readonly window: number;
  /**
   * Resolves once the group stands and reading has begun. Where it never begins, because it failed to start or was
   * stopped before, this stays pending for ever, and the iteration tells: it throws, or ends.
   */
  readonly ready: Promise<void>;
  /**
   * Sees to it that the group is given what is now asked for, beside what it was given before. What is published over the
   * same connection from here on is. Absent where a group is given everything. Rejects when the connection or the
   * source ends first.
   */
  want?(interest: Interest): Promise<void>;
  /**
   * Called when nothing has come for half a minute: sees to it that the group still is given what it asked for, where
   * others can take that away without a word. Rejects when the connection or the source ends first.
   */
  reassert?(): Promise<void>;
  /**
   * How many messages the broker has for this source and has not sent, as asked when nothing comes. Absent where whoever reads
   * is given what there is: then it is the lag of the group.
   */
  lag?(): Promise<number>;
  /** Stops reading; what was pulled stays ours, and is renewed. */
  pause(): void;
  resume(): void;
  /** Begins nothing new and ends the iteration; resolves once no further batch comes. */
  stop(): Promise<void>;
  /** Once every settlement is stored, if need be over the next connection, gives up the consumer's place in the group. */
  close(): Promise<void>;
}

/** One message handed to one group, to be settled exactly once, by `ack`, `release` or `deadLetter`, or abandoned. */
export interface Delivery {
  readonly message: Message;
  /** Where it was read, in the broker's own words. */
  readonly destination: string;
  /** The broker's coordinates of it there. */
  readonly position: string;
  /** Of the destination, where it has several that are read apart. */
  readonly partition?: string;
  /** What this broker's spans say of it; what all say isn't in it. Read only while somebody traces. */
  readonly spanAttributes?: SpanAttributes;
  /** 1 on the first delivery to this group; undefined where the broker keeps no count. */
  readonly deliveryCount: number | undefined;
  /** Set when it was handed out before: it goes before newer ones of its key that haven't started. */
  readonly precedes?: (other: Delivery) => boolean;
  /** Assigned by the consumer, who is told through it what the broker does with the delivery. */
  holder: DeliveryHolder | undefined;
  /**
   * Done: the group never gets it again. Fire and forget, because the source repeats it until it is stored, across
   * connections; {@link Source.close} waits for it.
   */
  ack(): void;
  /**
   * Not done: the broker hands it to this group again, and to no other, at once or when the source is closed. Rejects if
   * that isn't certain: then it is given up as by {@link abandon}.
   */
  release(): Promise<void>;
  /**
   * Stores the original under `headers` beside its own. Where the broker has `atomicDeadLetters` this settles it;
   * elsewhere it is to be acknowledged afterwards. Resolves once stored. Rejects when it isn't certain; may be called
   * again with the same headers.
   */
  deadLetter(headers: Headers): Promise<void>;
  /**
   * Stores a copy that the broker hands to the group after `delayMs` or a little more, with `headers` instead of its
   * own; it is to be acknowledged afterwards. Resolves once stored. There exactly where the broker has `delayedRetry`.
   */
  readonly defer?: (delayMs: number, headers: Headers) => Promise<void>;
  /**
   * Gives it up without telling the broker: what was begun is cut off; it comes back when its lease or connection
   * ends. No settlement may follow.
   */
  abandon(): void;
  /**
   * Called when something comes of it although it isn't settled: an attempt has ended or begins again, or waits, for so
   * many milliseconds, in which nothing more is to be expected. For brokers that part with consumers that do nothing.
   */
  readonly stirred?: (quietMs: number) => void;
  /** Called when it has to wait behind others in this process, so that a publisher needn't wait for it. */
  readonly parked?: () => void;
}

/** The consumer's side of a delivery, never called after a settlement. */
export interface DeliveryHolder {
  /**
   * Ownership is gone: no settlement may follow. Where several go at once the newest are told first: else the next of a
   * key would begin in the place of the one before it, only to be cut off.
   */
  lost(): void;
  /**
   * The broker wants it back for another consumer. True when nothing of it runs, because it hasn't begun or waits for
   * another attempt: then it is given up, and no settlement follows. False otherwise; may be asked again then. The
   * newest are asked first, as with `lost`.
   */
  recall(): boolean;
}

/** The dead letters of one destination, oldest first. */
export interface DeadLetterStore {
  /**
   * Those that exist at the call, behind the (exclusive) position `after`, in pages of any size; `'*'` means every
   * group. A letter may be given to `replay` and `remove` while the iteration that yielded it goes on.
   */
  browse(query: {
    readonly group: string;
    readonly after?: string | undefined;
  }): AsyncIterable<readonly StoredDeadLetter[]>;
  /** How many there are; exact, and without reading them all where the broker can. */
  depth(group: string): Promise<number>;
  /**
   * Hands the original to the group alone, with `headers` instead of the stored ones, and removes the record: in one
   * atomic step where the broker has `atomicDeadLetters`, else the record goes once the original is stored.
   * False when the record is gone already.
   */
  replay(letter: StoredDeadLetter, headers: Headers): Promise<boolean>;
  /** Returns how many were there. */
  remove(letters: readonly StoredDeadLetter[]): Promise<number>;
}

export interface StoredDeadLetter {
  /** Coordinates of the record among the dead letters; orders them. */
  readonly position: string;
  /** The original, its body byte for byte; its headers include those given to {@link Delivery.deadLetter}. */
  readonly message: Message & { readonly body: Uint8Array };
}

/** What a broker knows of a destination; numbers are exact unless said otherwise. */
export interface ConnectionInfo {
  /** Messages held. */
  readonly length: number;
  /** Handed out and not settled, as {@link pendingOf} says to whom; 0 without a group. */
  readonly pendingMessages: number;
  /**
   * Whose `pendingMessages` are: the whole group's, or those of this connection alone, where the broker tells nobody what
   * others hold ('group').
   */
  readonly pendingOf?: 'group' | 'connection';
  /** Dead letters of the group; of all groups without one. */
  readonly dlqMessages: number;
  readonly consumers: number;
  /**
   * Messages the group hasn't been handed yet, the same to whoever asks; undefined where the broker can't tell. A broker that
   * knows only how far a group is done counts what is in hand, too.
   */
  readonly lag: number | undefined;
}
