import type { Consumer, EachBatchPayload } from 'kafkajs';
import { ConnectionError } from '../../../errors.ts';
import type { Committed, JoinOptions, KafkaMember, MemberListener, TopicPartition } from '../driver.ts';
import type { KafkaSettings } from '../options.ts';
import type { Codecs } from './codecs.ts';
import { kafkaError, within } from './errors.ts';
import { readFetches } from './fetch-reading.ts';
import { type Broker, type Cluster, createKafka, METADATA_MS, withCluster } from './kafka.ts';
import type { Kafkajs } from './load-driver.ts';
import { recordsOf } from './plain-record.ts';
import type { Sockets } from './sockets.ts';

/** How long one fetch waits for records; what is resumed is fetched after so long at the latest. */
const FETCH_WAIT_MS = 200;
/** A fetch loop that is silent for longer stands before a broker that doesn't answer. */
const SILENCE_MS = 3000;
const CONNECT_MS = 5000;
const GOODBYE_MS = 1000;

/**
 * One kafkajs consumer. It differs from the usual use in four ways: eachBatch returns at once, so that one partition's
 * work holds up no other and heartbeats go on; before it joins again its owner may settle; it joins again under its old
 * id, for which the broker needn't wait out the session; and its sockets can be cut. What it fetches is read by us.
 */
export class KafkajsMember implements KafkaMember {
  readonly #options: JoinOptions;
  readonly #listener: MemberListener;
  readonly #where: string;
  readonly #consumer: Consumer;
  readonly #sockets: Sockets;
  readonly #watchdog: NodeJS.Timeout;
  readonly #hooked = new WeakSet<Broker>();
  #memberId: string | undefined;
  #assigning: Promise<void> = Promise.resolve();
  /** Infinity while there is no fetch loop that could be silent. */
  #fetchedAt = Infinity;
  #isOver = false;
  #ending: Promise<void> | undefined;

  constructor(
    kafkajs: Kafkajs,
    settings: KafkaSettings,
    where: string,
    options: JoinOptions,
    listener: MemberListener,
  ) {
    this.#options = options;
    this.#listener = listener;
    this.#where = where;
    const { kafka, sockets } = createKafka(kafkajs, settings, options.clientId);
    this.#sockets = sockets;
    const { made, cluster } = withCluster(kafka, () =>
      kafka.consumer({
        groupId: options.group,
        sessionTimeout: settings.sessionTimeoutMs,
        rebalanceTimeout: settings.sessionTimeoutMs,
        heartbeatInterval: settings.heartbeatIntervalMs,
        maxWaitTimeInMs: FETCH_WAIT_MS,
        metadataMaxAge: METADATA_MS,
        maxBytesPerPartition: 512 * 1024,
        allowAutoTopicCreation: false,
      }),
    );
    this.#consumer = made;
    this.#hook(cluster);
    this.#hookFetch(cluster);
    this.#hookNodes(cluster);
    readFetches(cluster, kafkajs.CompressionCodecs as Codecs);
    const { events } = made;
    made.on(events.FETCH, () => (this.#fetchedAt = performance.now()));
    made.on(events.GROUP_JOIN, ({ payload }) => this.#joined(payload.memberId, payload.memberAssignment));
    made.on(events.RECEIVED_UNSUBSCRIBED_TOPICS, ({ payload }) =>
      this.#listener.foreign(payload.topicsNotSubscribed),
    );
    made.on(events.END_BATCH_PROCESS, ({ payload }) => {
      if (payload.batchSize === 0) this.#passedOver(payload);
    });
    made.on(events.CRASH, ({ payload }) => void this.#end(payload.error));
    this.#watchdog = setInterval(() => this.#watch(), SILENCE_MS / 3);
    void this.#run().catch((error: unknown) => this.#end(error));
  }

  async commit(offsets: readonly Committed[]): Promise<void> {
    // On a consumer that is stopping, kafkajs resolves without having committed.
    if (this.#isOver) throw new ConnectionError('The member has left its group');
    await this.#consumer.commitOffsets(
      offsets.map(({ topic, partition, offset, metadata }) => ({
        topic,
        partition,
        offset: String(offset),
        metadata,
      })),
    );
  }

  seek({ topic, partition }: TopicPartition, offset: number): void {
    if (!this.#isOver) this.#consumer.seek({ topic, partition, offset: String(offset) });
  }

  pause(places: readonly TopicPartition[]): void {
    if (!this.#isOver && places.length > 0) this.#consumer.pause(byTopic(places));
  }

  resume(places: readonly TopicPartition[]): void {
    if (!this.#isOver && places.length > 0) this.#consumer.resume(byTopic(places));
  }

  async leave(): Promise<void> {
    if (!this.#isOver) this.#options.identity.memberId = undefined;
    await this.#end(new ConnectionError('The member left its group'));
  }

  async drop(cause: Error): Promise<void> {
    // One that is leaving has a word to say yet.
    if (!this.#isOver) this.#sockets.cut(cause);
    await this.#end(cause);
  }

  async #run(): Promise<void> {
    await within(this.#consumer.connect(), CONNECT_MS, 'Connecting');
    await this.#consumer.subscribe({ topics: [...this.#options.topics], fromBeginning: true });
    await this.#consumer.run({
      autoCommit: false,
      eachBatchAutoResolve: false,
      partitionsConsumedConcurrently: 8,
      eachBatch: (payload) => this.#take(payload),
    });
  }

  /** Every JoinGroup is preceded by this, the only place of kafkajs where a member can make one wait. */
  #hook(cluster: Cluster): void {
    const find = cluster.findGroupCoordinator.bind(cluster);
    cluster.findGroupCoordinator = async (group) => {
      this.#fetchedAt = Infinity;
      if (this.#memberId !== undefined && !this.#isOver) await this.#listener.revoking();
      const broker = await find(group);
      this.#hookJoin(broker);
      return broker;
    };
  }

  /** Every fetch is preceded by this. One that asked for what is gone would commit, by itself, that all is to be read again. */
  #hookFetch(cluster: Cluster): void {
    const refresh = cluster.refreshMetadataIfNecessary.bind(cluster);
    cluster.refreshMetadataIfNecessary = async () => {
      await this.#assigning.catch(() => undefined);
      await refresh();
    };
  }

  /**
   * When brokers come or go kafkajs fetches anew from those there are, also if it is stopped just then; what it starts then asks
   * nobody, again and again without a pause, and the process stands still (seen on 2.2.4). Without brokers it gives up.
   */
  #hookNodes(cluster: Cluster): void {
    const nodes = cluster.getNodeIds.bind(cluster);
    cluster.getNodeIds = () => (this.#isOver ? [] : nodes());
  }

  #hookJoin(broker: Broker): void {
    if (this.#hooked.has(broker)) return;
    this.#hooked.add(broker);
    const join = broker.joinGroup.bind(broker);
    const { identity } = this.#options;
    broker.joinGroup = async (request) => {
      try {
        return await join({ ...request, memberId: request.memberId || (identity.memberId ?? '') });
      } catch (error) {
        // Forgotten for no other reason: a coordinator that is still loading says other things first.
        if ((error as { type?: unknown }).type === 'UNKNOWN_MEMBER_ID') identity.memberId = undefined;
        throw error;
      }
    };
  }

  #joined(memberId: string, assignment: Readonly<Record<string, readonly number[]>>): void {
    const isContinued = this.#memberId === memberId;
    this.#memberId = memberId;
    this.#options.identity.memberId = memberId;
    this.#fetchedAt = performance.now();
    const places = Object.entries(assignment).flatMap(([topic, partitions]) =>
      partitions.map((partition) => ({ topic, partition })),
    );
    // kafkajs keeps its own pauses from before.
    this.resume(places);
    this.#assigning = this.#listener.assigned(places, isContinued);
    this.#assigning.catch((error: unknown) => this.#end(error));
  }

  async #take(payload: EachBatchPayload): Promise<void> {
    await this.#assigning;
    if (this.#isOver || !payload.isRunning() || payload.isStale()) return;
    const { batch } = payload;
    const { topic, partition, messages } = batch;
    const next = Number(batch.lastOffset()) + 1;
    const records = recordsOf(messages);
    const taken = await this.#listener.fetched({ topic, partition }, records, next);
    // This moves where reading goes on, nothing else.
    if (taken === records.length) payload.resolveOffset(String(next - 1));
    else if (taken > 0) payload.resolveOffset(String(records[taken - 1]!.offset));
  }

  /** kafkajs reads on by itself behind what it doesn't show, and calls nobody. */
  #passedOver({ topic, partition, lastOffset }: EmptyBatch): void {
    const tell = async (): Promise<void> => {
      await this.#assigning;
      if (!this.#isOver) await this.#listener.fetched({ topic, partition }, [], Number(lastOffset) + 1);
    };
    tell().catch((error: unknown) => this.#end(error));
  }

  #watch(): void {
    const silentMs = performance.now() - this.#fetchedAt;
    if (silentMs > SILENCE_MS)
      this.#sockets.cut(new ConnectionError(`Kafka at ${this.#where} has not answered for ${SILENCE_MS} ms`));
  }

  #end(cause: unknown): Promise<void> {
    return (this.#ending ??= this.#tearDown(cause));
  }

  async #tearDown(cause: unknown): Promise<void> {
    this.#isOver = true;
    clearInterval(this.#watchdog);
    const { group, topics } = this.#options;
    // What a broker says of missing rights names neither.
    const doing = `Group "${group}", which reads ${topics.join(' and ')}, lost`;
    this.#listener.ended(kafkaError(doing, this.#where, cause));
    const gone = this.#consumer.disconnect().catch(() => undefined);
    await within(gone, GOODBYE_MS, 'Leaving').catch(() => undefined);
    this.#sockets.cut(new ConnectionError('The member has left its group'));
    await within(gone, GOODBYE_MS, 'Leaving').catch(() => undefined);
  }
}

interface EmptyBatch {
  readonly topic: string;
  readonly partition: number;
  readonly lastOffset: string;
}

function byTopic(places: readonly TopicPartition[]): { topic: string; partitions: number[] }[] {
  const topics = new Map<string, number[]>();
  for (const { topic, partition } of places) {
    const partitions = topics.get(topic);
    if (partitions === undefined) topics.set(topic, [partition]);
    else partitions.push(partition);
  }
  return [...topics].map(([topic, partitions]) => ({ topic, partitions }));
}
