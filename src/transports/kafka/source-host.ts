import type { Headers, Message } from '../../contracts/message.ts';
import type { Source } from '../../contracts/transport.ts';
import type { JoinOptions, KafkaClient, MemberIdentity, TopicPartition } from './driver.ts';

/** What a source takes from its connection. */
export interface SourceHost {
  readonly client: KafkaClient;
  readonly destination: string;
  readonly maxPollIntervalMs: number;
  /** Milliseconds that begun deliveries have to end when the group is dealt out anew. */
  readonly revokeMs: number;
  /** What a member of the group reads; made if need be. @throws {ConfigurationError} when one is missing. */
  topicsOf(group: string): Promise<JoinOptions['topics']>;
  identityOf(group: string, consumer: string): MemberIdentity;
  whereToBegin(group: string, places: readonly TopicPartition[]): Promise<readonly Beginning[]>;
  storeDeadLetter(message: Message, headers: Headers): Promise<void>;
  left(source: Source): void;
}

/** Where the group stands in one partition. */
export interface Beginning {
  readonly place: TopicPartition;
  /** -1 where the group has never committed. */
  readonly committed: number;
  /** Offsets behind it that are done. */
  readonly finished: readonly number[];
  /** Where to read from, when that isn't what is committed. */
  readonly begin?: number | undefined;
  /** How many records are gone that were to come next, at most; undefined where none is. */
  readonly trimmed?: number | undefined;
}
