import { ConfigurationError } from '../../errors.ts';
import type { KafkaClient } from './driver.ts';
import { deadLetterTopicOf, replayTopicOf } from './names.ts';
import type { KafkaSettings } from './options.ts';

/** Sees to it that topics are there; asks once a connection for each. */
export class Topics {
  readonly #client: KafkaClient;
  readonly #settings: KafkaSettings;
  readonly #topic: string;
  readonly #seen = new Map<string, Promise<void>>();

  constructor(client: KafkaClient, settings: KafkaSettings, topic: string) {
    this.#client = client;
    this.#settings = settings;
    this.#topic = topic;
  }

  /** @throws {ConfigurationError} when it is missing and `createTopics` is false. */
  events(): Promise<void> {
    return this.#ensure(this.#topic);
  }

  deadLetters(): Promise<void> {
    return this.#ensure(deadLetterTopicOf(this.#topic));
  }

  /** With as many partitions as the events have, so that a replay is spread as they are. */
  replays(group: string): Promise<void> {
    return this.#ensure(replayTopicOf(this.#topic, group), async () => {
      const ranges = await this.#client.ranges(this.#topic);
      return ranges.length;
    });
  }

  /** Forgets what was seen: somebody deleted one. */
  forget(): void {
    this.#seen.clear();
  }

  #ensure(topic: string, partitions?: () => Promise<number>): Promise<void> {
    let seen = this.#seen.get(topic);
    if (seen === undefined) {
      seen = this.#make(topic, partitions);
      this.#seen.set(topic, seen);
      seen.catch(() => this.#seen.delete(topic));
    }
    return seen;
  }

  async #make(topic: string, partitions?: () => Promise<number>): Promise<void> {
    const [missing] = await this.#client.missing([topic]);
    if (missing === undefined) return;
    const { createTopics } = this.#settings;
    if (createTopics === false)
      throw new ConfigurationError(
        `Kafka has no topic "${topic}", and createTopics is false. Create it, or leave createTopics out.`,
      );
    const plan = createTopics === true ? {} : createTopics;
    await this.#client.create(topic, {
      ...plan,
      ...(partitions === undefined ? {} : { partitions: await partitions() }),
    });
  }
}
