import { ConfigurationError } from '../../errors.ts';
import type { KafkaClient, TopicPlan } from './driver.ts';
import { deadLetterTopicOf, replayTopicOf } from './names.ts';
import type { KafkaSettings } from './options.ts';

/** What the headers of a dead letter or a replay may take beside those of the event. */
const HEADER_BYTES = 64 * 1024;

export interface TopicsParts {
  readonly client: KafkaClient;
  readonly settings: Pick<KafkaSettings, 'createTopics'>;
  /** That of the events. */
  readonly topic: string;
  /** Those that were there, over whichever connection. */
  readonly seenBefore: Set<string>;
}

/** Sees to it that topics are there; asks once a connection for each. */
export class Topics {
  readonly #client: KafkaClient;
  readonly #settings: TopicsParts['settings'];
  readonly #topic: string;
  readonly #seenBefore: Set<string>;
  readonly #seen = new Map<string, Promise<void>>();

  constructor({ client, settings, topic, seenBefore }: TopicsParts) {
    this.#client = client;
    this.#settings = settings;
    this.#topic = topic;
    this.#seenBefore = seenBefore;
  }

  /** @throws {ConfigurationError} when it is missing and `createTopics` is false. */
  events(): Promise<void> {
    return this.#ensure(this.#topic);
  }

  deadLetters(): Promise<void> {
    return this.#ensure(deadLetterTopicOf(this.#topic), () => Promise.resolve(this.#roomy()));
  }

  /**
   * For who is about to consume: one that may not be made and never was there is told of at once. One that was is missed
   * when a dead letter is to be stored, and events are handled until then.
   */
  async deadLettersOnce(): Promise<void> {
    if (!this.#seenBefore.has(deadLetterTopicOf(this.#topic))) await this.deadLetters();
  }

  /** With as many partitions as the events have, so that a replay is spread as they are. */
  replays(group: string): Promise<void> {
    return this.#ensure(replayTopicOf(this.#topic, group), async () => {
      const ranges = await this.#client.ranges(this.#topic);
      return { partitions: ranges.length, ...this.#roomy() };
    });
  }

  /** Forgets what was seen: somebody deleted one. */
  forget(): void {
    this.#seen.clear();
  }

  #roomy(): TopicPlan {
    return { roomFor: { original: this.#topic, bytes: HEADER_BYTES } };
  }

  /** @param special What differs from `createTopics`. */
  #ensure(topic: string, special?: () => Promise<TopicPlan>): Promise<void> {
    let seen = this.#seen.get(topic);
    if (seen === undefined) {
      seen = this.#make(topic, special);
      this.#seen.set(topic, seen);
      seen.catch(() => this.#seen.delete(topic));
    }
    return seen;
  }

  async #make(topic: string, special?: () => Promise<TopicPlan>): Promise<void> {
    const [missing] = await this.#client.missing([topic]);
    if (missing !== undefined) await this.#create(topic, special);
    this.#seenBefore.add(topic);
  }

  async #create(topic: string, special?: () => Promise<TopicPlan>): Promise<void> {
    const { createTopics } = this.#settings;
    if (createTopics === false)
      throw new ConfigurationError(
        `Kafka has no topic "${topic}", and createTopics is false. Create it, or leave createTopics out.`,
      );
    const plan = createTopics === true ? {} : createTopics;
    await this.#client.create(topic, { ...plan, ...(await special?.()) });
  }
}
