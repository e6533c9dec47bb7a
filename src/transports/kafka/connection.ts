import type { Headers, Message } from '../../contracts/message.ts';
import type { Connection, ConnectionInfo, Source, SourceOptions } from '../../contracts/transport.ts';
import { ConnectionError } from '../../errors.ts';
import { Beginnings } from './beginnings.ts';
import { KafkaDeadLetterStore } from './dead-letter-store.ts';
import type {
  Acks,
  JoinOptions,
  KafkaClient,
  MemberIdentity,
  OutgoingRecord,
  TopicPartition,
} from './driver.ts';
import { deadLetterTopicOf, replayTopicOf } from './names.ts';
import type { KafkaSettings } from './options.ts';
import { RecordPublisher } from './publisher.ts';
import { toRecord } from './record.ts';
import type { Beginning, SourceHost } from './source-host.ts';
import { KafkaSource } from './source.ts';
import { type KafkaPartitionInfo, type KafkaTopicInfo, standingsOf, topicInfo } from './topic-info.ts';
import { Topics } from './topics.ts';

/** What a dead letter can do without, the most expendable first. */
const SPARE_HEADERS = ['x-exception-stack', 'x-exception-message'] as const;

export interface ConnectionParts {
  readonly client: KafkaClient;
  readonly settings: KafkaSettings;
  readonly topic: string;
  /** Outlives connections: a lost member takes its place in the group again by it. */
  readonly identityOf: SourceHost['identityOf'];
  /** What of the topics was seen before; outlives connections, too. */
  readonly memory: TopicMemory;
}

export interface TopicMemory {
  /** Those that were there. */
  readonly topics: Set<string>;
  readonly firstPartitions: Map<string, number>;
}

/** What the publisher sends goes by one client; each source has a member of its own. */
export class KafkaConnection implements Connection, SourceHost {
  readonly client: KafkaClient;
  readonly deadLetters: KafkaDeadLetterStore;
  readonly closed: Promise<Error | undefined>;
  readonly destination: string;
  readonly maxPollIntervalMs: number;
  readonly revokeMs: number;
  readonly #parts: ConnectionParts;
  readonly #topics: Topics;
  readonly #beginnings: Beginnings;
  readonly #publisher: RecordPublisher;
  readonly #sources = new Set<KafkaSource>();

  constructor(parts: ConnectionParts) {
    const { client, settings, topic, memory } = parts;
    this.#parts = parts;
    this.client = client;
    this.destination = topic;
    this.maxPollIntervalMs = settings.maxPollIntervalMs;
    // The broker waits for a member as long as a session lasts, and no longer.
    this.revokeMs = settings.sessionTimeoutMs / 2;
    this.#topics = new Topics({ client, settings, topic, seenBefore: memory.topics });
    this.#beginnings = new Beginnings({ client, settings, topic, ...memory });
    this.#publisher = new RecordPublisher({
      lingerMs: settings.lingerMs,
      send: (records) => this.#send(topic, () => this.#topics.events(), records, settings.acks),
      isRefusal: (error, count) => client.storedNothing(error, count),
    });
    this.deadLetters = new KafkaDeadLetterStore({ client, topic, topics: this.#topics });
    this.closed = client.ended.then((cause) => {
      const gone = cause ?? new ConnectionError('The connection to Kafka was closed');
      this.#publisher.end(gone);
      for (const source of this.#sources) source.ended(gone);
      return cause;
    });
  }

  /** @throws {ConfigurationError} when the topic is missing and may not be made. */
  async open(): Promise<void> {
    await this.#topics.events();
  }

  publish(messages: readonly Message[]): Promise<void> {
    return this.#publisher.publish(messages);
  }

  subscribe(options: SourceOptions): Source {
    const source = new KafkaSource(this, options);
    this.#sources.add(source);
    return source;
  }

  async info(group: string | undefined): Promise<ConnectionInfo> {
    const info = await this.topicInfo(group);
    return {
      length: info.length,
      pendingMessages: group === undefined ? 0 : info.unsettledHere,
      pendingOf: 'connection',
      dlqMessages: info.deadLetters,
      consumers: info.members,
      // What other members have in hand nobody knows, so what this one has isn't subtracted: all members tell the same.
      lag: group === undefined ? undefined : info.lag,
    };
  }

  /** Of the partitions that its members have at the moment: every member of a group tells of its own. */
  async assignedLags(group: string | undefined): Promise<readonly KafkaPartitionInfo[]> {
    const places = [...this.#sources].flatMap((source) => source.places);
    return standingsOf(this.client, group, places);
  }

  topicInfo(group: string | undefined): Promise<KafkaTopicInfo> {
    const unsettledHere = [...this.#sources].reduce((sum, { heldCount }) => sum + heldCount, 0);
    return topicInfo(
      { client: this.client, topic: this.#parts.topic, deadLetters: this.deadLetters },
      group,
      unsettledHere,
    );
  }

  async close(): Promise<void> {
    await this.client.close();
    await this.closed;
  }

  identityOf(group: string, consumer: string): MemberIdentity {
    return this.#parts.identityOf(group, consumer);
  }

  async topicsOf(group: string): Promise<JoinOptions['topics']> {
    await this.#topics.events();
    await this.#topics.replays(group);
    await this.#topics.deadLettersOnce();
    const { topic } = this.#parts;
    return [topic, replayTopicOf(topic, group)];
  }

  whereToBegin(group: string, places: readonly TopicPartition[]): Promise<readonly Beginning[]> {
    return this.#beginnings.of(group, places);
  }

  async storeDeadLetter(message: Message, headers: Headers): Promise<void> {
    const { id, type, key, attributes, body } = message;
    const all: Record<string, string> = { ...message.headers, ...headers };
    const topic = deadLetterTopicOf(this.#parts.topic);
    for (let shed = 0; ; shed++)
      try {
        const record = toRecord({ id, type, key, attributes, body, headers: all });
        // Its event is committed once this is stored, so no choice of the user's may have it stored by halves.
        return await this.#send(topic, () => this.#topics.deadLetters(), [record], 'all');
      } catch (error) {
        // A topic that somebody else made may have no room beside a large event. The body is never cut.
        const spare = SPARE_HEADERS[shed];
        if (spare === undefined || !this.client.isTooLarge(error)) throw error;
        delete all[spare];
      }
  }

  left(source: Source): void {
    this.#sources.delete(source as KafkaSource);
    // It may have gone because a topic has.
    this.#topics.forget();
  }

  /** After a failure the topic is looked for again: somebody may have deleted it. */
  async #send(
    topic: string,
    ensure: () => Promise<void>,
    records: readonly OutgoingRecord[],
    acks: Acks,
  ): Promise<void> {
    await ensure();
    try {
      await this.client.send(topic, records, acks);
    } catch (error) {
      this.#topics.forget();
      throw error;
    }
  }
}
