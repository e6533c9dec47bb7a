/**
 * The narrow port to a Kafka client library. It knows topics, partitions, offsets and groups, and nothing of events,
 * settlement or dead letters; a second driver is one more implementation of it.
 */
export interface KafkaDriver {
  /**
   * Opens one client; never retries.
   * @throws {ConnectionError} when no broker answers before `signal` aborts, or one refuses us.
   */
  open(signal: AbortSignal): Promise<KafkaClient>;
}

/** Who must have stored a record before it counts as stored: all replicas in sync, the leader, or nobody. */
export type Acks = 'all' | 'leader' | 'none';

export interface TopicPartition {
  readonly topic: string;
  readonly partition: number;
}

export interface OutgoingRecord {
  readonly key: string | Buffer | null;
  /** Null marks what was stored under the key before as gone. */
  readonly value: string | Buffer | null;
  readonly headers: Record<string, string>;
}

export interface IncomingRecord {
  readonly offset: number;
  /** Milliseconds since the epoch. */
  readonly timestamp: number;
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  readonly headers: IncomingHeaders;
}

/** Headers are read when they are asked for: of most records nobody looks at more than one. */
export interface IncomingHeaders {
  /** In the order of the record; one that stands there more than once may be repeated. */
  readonly names: readonly string[];
  /** The last value of that name, as a plain reader of headers would see it; undefined where there is none. */
  get(name: string): string | undefined;
}

/** What one answer of a partition brings. */
export interface ReadAnswer {
  /** Empty where there are none yet, and where there is only what isn't shown, such as the mark of a transaction's end. */
  readonly records: readonly IncomingRecord[];
  /** Where reading goes on, behind what isn't shown, too; where it began when there was nothing at all. */
  readonly next: number;
}

/** Offsets of one partition, 64 bits on the wire and exact as a number up to 2^53. */
export interface PartitionRange {
  readonly partition: number;
  /** Of the oldest record that is still there. */
  readonly low: number;
  /** Of the next record to be written. */
  readonly high: number;
}

export interface Committed extends TopicPartition {
  /** The next to be handled; -1 where the group has never committed. */
  readonly offset: number;
  readonly metadata: string;
}

export interface TopicPlan {
  /** As many as the broker makes by default where it is undefined. */
  readonly partitions?: number | undefined;
  readonly replicationFactor?: number | undefined;
  /** The topic takes a record of `original` with so many bytes of headers more; as far as the broker lets us. */
  readonly roomFor?: { readonly original: string; readonly bytes: number } | undefined;
}

export interface KafkaClient {
  /**
   * Stores records of one topic, in list order within each partition; resolves as `acks` says. That is for each caller to
   * say: the user's choice is for what is published, and what others are acknowledged by must be kept by all.
   */
  send(topic: string, records: readonly OutgoingRecord[], acks: Acks): Promise<void>;
  /** Whether the error of a `send` of `count` records says that none of them was stored. */
  storedNothing(error: unknown, count: number): boolean;
  /** Whether the broker says that it is too large for the topic. */
  isTooLarge(error: unknown): boolean;
  /** Those of `topics` that aren't there. */
  missing(topics: readonly string[]): Promise<string[]>;
  /** Does nothing to a topic that is there. */
  create(topic: string, plan: TopicPlan): Promise<void>;
  ranges(topic: string): Promise<PartitionRange[]>;
  committed(group: string, topics: readonly string[]): Promise<Committed[]>;
  /** How many members the group has now. */
  memberCount(group: string): Promise<number>;
  /** Records from `offset` on, as many as one answer brings. */
  read(place: TopicPartition, offset: number): Promise<ReadAnswer>;
  /** Joins a group; what happens is told to `listener`. */
  join(options: JoinOptions, listener: MemberListener): KafkaMember;
  /** Settles when no broker answers any more: the cause, or undefined after `close()`. Never rejects. */
  readonly ended: Promise<Error | undefined>;
  /** Idempotent; resolves once no socket and no timer is left. */
  close(): Promise<void>;
}

export interface JoinOptions {
  readonly group: string;
  /** Shown in the broker's lists. */
  readonly clientId: string;
  /** Where nothing is committed, or what is can't be read any more, they are read from the oldest record on. */
  readonly topics: readonly string[];
  /** Kept by the caller from one membership to the next: the broker lets a lost member take its old place at once. */
  readonly identity: MemberIdentity;
}

export interface MemberIdentity {
  memberId: string | undefined;
}

export interface MemberListener {
  /** The group is dealt out anew: settle what can be settled. The member joins again once this resolves. */
  revoking(): Promise<void>;
  /**
   * What the member has from now on; `isContinued` says that nobody else can have had it meanwhile. Nothing is read before
   * this resolves.
   */
  assigned(places: readonly TopicPartition[], isContinued: boolean): Promise<void>;
  /** The group's other members read topics that this one doesn't, and it has been dealt partitions of those. */
  foreign(topics: readonly string[]): void;
  /**
   * Records of one partition, in order; `next` is where reading goes on behind them. None where there is only what isn't
   * shown, such as an aborted transaction. Returns how many were taken; the rest comes again after `resume`.
   */
  fetched(place: TopicPartition, records: readonly IncomingRecord[], next: number): Promise<number>;
  /** No further call follows, and nothing can be committed any more. */
  ended(cause: Error): void;
}

export interface KafkaMember {
  /** @throws {Error} when it isn't stored. */
  commit(offsets: readonly Committed[]): Promise<void>;
  /** Reads on from there, whatever is committed. */
  seek(place: TopicPartition, offset: number): void;
  pause(places: readonly TopicPartition[]): void;
  resume(places: readonly TopicPartition[]): void;
  /** Leaves the group, so that others take over at once. Idempotent. */
  leave(): Promise<void>;
  /** Ends it without a word to the broker: the next one with its identity takes its place. Idempotent. */
  drop(cause: Error): Promise<void>;
}
