import type { Admin, Producer } from 'kafkajs';
import { ConnectionError } from '../../../errors.ts';
import type {
  Acks,
  Committed,
  JoinOptions,
  KafkaClient,
  KafkaMember,
  MemberListener,
  OutgoingRecord,
  PartitionRange,
  ReadAnswer,
  TopicPartition,
  TopicPlan,
} from '../driver.ts';
import type { KafkaSettings } from '../options.ts';
import { type Codecs, installCodecs } from './codecs.ts';
import { createTopic } from './create-topic.ts';
import { kafkaError, protocolType, storedNothing, within } from './errors.ts';
import { readFetches } from './fetch-reading.ts';
import { type Cluster, createKafka, METADATA_MS, withCluster } from './kafka.ts';
import type { Kafkajs } from './load-driver.ts';
import { KafkajsMember } from './member.ts';
import { goneTopic, missingTopics } from './missing-topics.ts';
import { answerFrom } from './plain-record.ts';
import type { Sockets } from './sockets.ts';

/** How often an idle client makes sure that somebody answers, and how long it waits for that. */
const PROBE_EVERY_MS = 2000;
const PROBE_MS = 3000;
const GOODBYE_MS = 1000;
const ACKS = { all: -1, leader: 1, none: 0 } as const;

/** A producer and an admin client of kafkajs; every member of a group has sockets of its own. */
export class KafkajsClient implements KafkaClient {
  readonly ended: Promise<Error | undefined>;
  readonly #kafkajs: Kafkajs;
  readonly #settings: KafkaSettings;
  readonly #where: string;
  readonly #sockets: Sockets;
  readonly #producer: Producer;
  readonly #admin: Admin;
  readonly #cluster: Cluster;
  /** Topics that were there. */
  readonly #seen = new Set<string>();
  readonly #compression: number;
  #settle: (cause: Error | undefined) => void = () => undefined;
  #timer: NodeJS.Timeout | undefined;
  #probing: Promise<void> | undefined;
  #ending: Promise<void> | undefined;

  /** @throws {ConnectionError} when no broker answers before `signal` aborts, or one refuses us. */
  static async open(
    kafkajs: Kafkajs,
    settings: KafkaSettings,
    where: string,
    signal: AbortSignal,
  ): Promise<KafkajsClient> {
    const client = new KafkajsClient(
      kafkajs,
      settings,
      where,
      await installCodecs(kafkajs, settings.compressionType),
    );
    const giveUp = (): void =>
      client.#sockets.cut(
        new ConnectionError(`Gave up connecting to Kafka at ${where}`, { cause: signal.reason }),
      );
    signal.addEventListener('abort', giveUp, { once: true });
    try {
      if (signal.aborted) giveUp();
      await Promise.all([client.#producer.connect(), client.#admin.connect()]);
      signal.throwIfAborted();
    } catch (error) {
      await client.#end(undefined);
      throw kafkaError('Could not connect to', where, signal.aborted ? signal.reason : error);
    } finally {
      signal.removeEventListener('abort', giveUp);
    }
    client.#sockets.onClose = () => void client.#probe();
    client.#probeLater();
    return client;
  }

  private constructor(kafkajs: Kafkajs, settings: KafkaSettings, where: string, compression: number) {
    this.#kafkajs = kafkajs;
    this.#settings = settings;
    this.#where = where;
    this.#compression = compression;
    const { kafka, sockets } = createKafka(kafkajs, settings, 'buschart');
    this.#sockets = sockets;
    this.#producer = kafka.producer({
      // The one that spreads keys as Java's and librdkafka's clients do.
      createPartitioner: kafkajs.Partitioners.DefaultPartitioner,
      allowAutoTopicCreation: false,
      metadataMaxAge: METADATA_MS,
      idempotent: settings.idempotent,
      // What was sent and not answered is in doubt: sending it again here could store it twice, or in another order.
      // (An idempotent producer refuses to be without.)
      ...(settings.idempotent ? {} : { retry: { retries: 0 } }),
    });
    const { made, cluster } = withCluster(kafka, () => kafka.admin());
    this.#admin = made;
    this.#cluster = cluster;
    readFetches(cluster, kafkajs.CompressionCodecs as Codecs);
    this.ended = new Promise((resolve) => (this.#settle = resolve));
  }

  async send(topic: string, records: readonly OutgoingRecord[], acks: Acks): Promise<void> {
    await this.#ask(`store in ${topic} of`, () =>
      this.#producer.send({
        topic,
        messages: records as OutgoingRecord[],
        acks: ACKS[acks],
        compression: this.#compression,
        timeout: 5000,
      }),
    );
  }

  /** A request goes to several partitions: one that is too large says nothing of the others. */
  storedNothing(error: unknown, count: number): boolean {
    return storedNothing(protocolType(error), count);
  }

  isTooLarge(error: unknown): boolean {
    return protocolType(error) === 'MESSAGE_TOO_LARGE';
  }

  async missing(topics: readonly string[]): Promise<string[]> {
    const missing = await this.#ask(`look for ${topics.join(', ')} of`, () =>
      missingTopics(this.#cluster, topics),
    );
    for (const topic of topics) if (!missing.includes(topic)) this.#seen.add(topic);
    return missing;
  }

  async create(topic: string, plan: TopicPlan): Promise<void> {
    await this.#ask('create a topic of', () => createTopic(this.#admin, topic, plan));
    this.#seen.add(topic);
  }

  ranges(topic: string): Promise<PartitionRange[]> {
    return this.#ask('ask', async () => {
      const ranges = await this.#admin.fetchTopicOffsets(topic);
      return ranges
        .map(({ partition, low, high }) => ({ partition, low: Number(low), high: Number(high) }))
        .sort((a, b) => a.partition - b.partition);
    });
  }

  committed(group: string, topics: readonly string[]): Promise<Committed[]> {
    return this.#ask('ask', async () => {
      const answers = await this.#admin.fetchOffsets({ groupId: group, topics: [...topics] });
      return answers.flatMap(({ topic, partitions }) =>
        partitions.map(({ partition, offset, metadata }) => ({
          topic,
          partition,
          offset: Number(offset),
          metadata: metadata ?? '',
        })),
      );
    });
  }

  memberCount(group: string): Promise<number> {
    return this.#ask('ask', async () => {
      const { groups } = await this.#admin.describeGroups([group]);
      return groups[0]?.members.length ?? 0;
    });
  }

  read({ topic, partition }: TopicPartition, offset: number): Promise<ReadAnswer> {
    return this.#ask('read from', async () => {
      await this.#cluster.addTargetTopic(topic);
      const [nodeId] = Object.keys(this.#cluster.findLeaderForPartitions(topic, [partition]));
      if (nodeId === undefined) throw new ConnectionError(`"${topic}" has no leader`);
      const broker = await this.#cluster.findBroker({ nodeId });
      const { responses } = await broker.fetch({
        replicaId: -1,
        isolationLevel: 1,
        maxWaitTime: 100,
        minBytes: 1,
        maxBytes: 8 << 20,
        topics: [{ topic, partitions: [{ partition, fetchOffset: String(offset), maxBytes: 4 << 20 }] }],
      });
      const found = responses.flatMap(({ partitions }) => partitions.flatMap(({ messages }) => messages));
      return answerFrom(offset, found);
    });
  }

  join(options: JoinOptions, listener: MemberListener): KafkaMember {
    return new KafkajsMember(this.#kafkajs, this.#settings, this.#where, options, listener);
  }

  close(): Promise<void> {
    return this.#end(undefined);
  }

  async #ask<T>(doing: string, task: () => Promise<T>): Promise<T> {
    try {
      return await task();
    } catch (error) {
      throw kafkaError(`Could not ${doing}`, this.#where, error);
    }
  }

  #probeLater(): void {
    this.#timer = setTimeout(() => void this.#probe(), PROBE_EVERY_MS);
  }

  /**
   * A socket alone says little: brokers close idle ones. Whether somebody answers says it all. A topic that was deleted
   * ends the client, too: kafkajs would ask for it for ever, fail to find any other, and say nothing.
   */
  #probe(): Promise<void> {
    clearTimeout(this.#timer);
    return (this.#probing ??= within(
      goneTopic(this.#cluster, [...this.#seen]),
      PROBE_MS,
      'Asking for an answer',
    )
      .then(
        (gone) => {
          if (gone !== undefined) void this.#end(new ConnectionError(`The topic "${gone}" was deleted`));
          else if (this.#ending === undefined) this.#probeLater();
        },
        (error: unknown) => this.#end(kafkaError('Lost', this.#where, error)),
      )
      .finally(() => (this.#probing = undefined)));
  }

  #end(cause: Error | undefined): Promise<void> {
    return (this.#ending ??= this.#tearDown(cause));
  }

  async #tearDown(cause: Error | undefined): Promise<void> {
    clearTimeout(this.#timer);
    if (cause !== undefined) this.#sockets.cut(cause);
    const gone = Promise.allSettled([this.#producer.disconnect(), this.#admin.disconnect()]);
    await within(gone, GOODBYE_MS, 'Closing').catch(() => undefined);
    this.#sockets.cut(cause ?? new ConnectionError('The connection to Kafka was closed'));
    await within(gone, GOODBYE_MS, 'Closing').catch(() => undefined);
    this.#settle(cause);
  }
}
