import type { Headers, Message } from '../../contracts/message.ts';
import type { Connection, ConnectionInfo, Source, SourceOptions } from '../../contracts/transport.ts';
import { ConnectionError } from '../../errors.ts';
import { KafkaDeadLetterStore } from './dead-letter-store.ts';
import type {
  JoinOptions,
  KafkaClient,
  MemberIdentity,
  OutgoingRecord,
  PartitionRange,
  TopicPartition,
} from './driver.ts';
import { decodeFinished } from './finished.ts';
import { deadLetterTopicOf, replayTopicOf } from './names.ts';
import type { KafkaSettings } from './options.ts';
import { RecordPublisher } from './publisher.ts';
import { toRecord } from './record.ts';
import type { Beginning, SourceHost } from './source-host.ts';
import { KafkaSource } from './source.ts';
import { type KafkaTopicInfo, topicInfo } from './topic-info.ts';
import { Topics } from './topics.ts';

/** What a dead letter can do without, the most expendable first. */
const SPARE_HEADERS = ['x-exception-stack', 'x-exception-message'] as const;

export interface ConnectionParts {
  readonly client: KafkaClient;
  readonly settings: KafkaSettings;
  readonly topic: string;
  /** Outlives connections: a lost member takes its place in the group again by it. */
  readonly identityOf: SourceHost['identityOf'];
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
  readonly #publisher: RecordPublisher;
  readonly #sources = new Set<KafkaSource>();

  constructor(parts: ConnectionParts) {
    const { client, settings, topic } = parts;
    this.#parts = parts;
    this.client = client;
    this.destination = topic;
    this.maxPollIntervalMs = settings.maxPollIntervalMs;
    // The broker waits for a member as long as a session lasts, and no longer.
    this.revokeMs = settings.sessionTimeoutMs / 2;
    this.#topics = new Topics(client, settings, topic);
    this.#publisher = new RecordPublisher({
      lingerMs: settings.lingerMs,
      send: (records) => this.#send(topic, () => this.#topics.events(), records),
      isRefusal: (error, count) => client.storedNothing(error, count),
    });
    this.deadLetters = new KafkaDeadLetterStore({ client, topic, topics: this.#topics });
    this.closed = client.ended.then((cause) => {
      const gone = cause ?? new ConnectionError('The connection to Kafka was closed');
      this.#publisher.end(gone);
      for (const source of this.#sources) source.fail(gone);
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
      dlqMessages: info.deadLetters,
      consumers: info.members,
      lag: group === undefined ? undefined : Math.max(0, info.lag - info.unsettledHere),
    };
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
    await this.#topics.deadLetters();
    const { topic, settings } = this.#parts;
    return [
      { topic, fromBeginning: settings.autoOffsetReset === 'earliest' },
      { topic: replayTopicOf(topic, group), fromBeginning: true },
    ];
  }

  async whereToBegin(group: string, places: readonly TopicPartition[]): Promise<readonly Beginning[]> {
    if (places.length === 0) return [];
    const topics = [...new Set(places.map(({ topic }) => topic))];
    const committed = await this.client.committed(group, topics);
    const lows = new Map<string, readonly PartitionRange[]>();
    for (const topic of topics) lows.set(topic, await this.client.ranges(topic));
    const beginnings: Beginning[] = [];
    for (const place of places) {
      const found = committed.find((one) => one.topic === place.topic && one.partition === place.partition);
      const { offset = -1, metadata = '' } = found ?? {};
      const low = lows.get(place.topic)?.find(({ partition }) => partition === place.partition)?.low ?? 0;
      if (offset < 0) beginnings.push(await this.#newBeginning(place));
      // Asked for what is gone, the driver would begin where `autoOffsetReset` says, and skip all that is there.
      else if (offset < low)
        beginnings.push({ place, committed: low, finished: [], begin: low, trimmed: low - offset });
      else beginnings.push({ place, committed: offset, finished: decodeFinished(offset, metadata) });
    }
    return beginnings;
  }

  async storeDeadLetter(message: Message, headers: Headers): Promise<void> {
    const { id, type, key, attributes, body } = message;
    const all: Record<string, string> = { ...message.headers, ...headers };
    const topic = deadLetterTopicOf(this.#parts.topic);
    for (let shed = 0; ; shed++)
      try {
        const record = toRecord({ id, type, key, attributes, body, headers: all });
        return await this.#send(topic, () => this.#topics.deadLetters(), [record]);
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
  async #send(topic: string, ensure: () => Promise<void>, records: readonly OutgoingRecord[]): Promise<void> {
    await ensure();
    try {
      await this.client.send(topic, records);
    } catch (error) {
      this.#topics.forget();
      throw error;
    }
  }

  /** A group that begins with what comes has to hold on to where that was, or a restart would pass over more. */
  async #newBeginning(place: TopicPartition): Promise<Beginning> {
    if (this.#parts.settings.autoOffsetReset === 'earliest' || place.topic !== this.#parts.topic)
      return { place, committed: -1, finished: [] };
    const ranges = await this.client.ranges(place.topic);
    const begin = ranges.find(({ partition }) => partition === place.partition)?.high ?? 0;
    return { place, committed: begin, finished: [], begin };
  }
}
