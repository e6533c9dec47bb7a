import type { Headers } from '../../contracts/message.ts';
import type { DeadLetterStore, StoredDeadLetter } from '../../contracts/transport.ts';
import { ConnectionError } from '../../errors.ts';
import {
  byAge,
  DeadLetterIndex,
  letterId,
  LETTER_ID_HEADER,
  type LetterPlace,
  SETTLED_HEADER,
} from './dead-letter-index.ts';
import type { IncomingRecord, KafkaClient } from './driver.ts';
import { deadLetterTopicOf, replayTopicOf, TOPIC_NAME } from './names.ts';
import { KafkaMessage, toRecord } from './record.ts';
import type { Topics } from './topics.ts';

const PAGE = 500;
/** Stands for every group. */
const ALL_GROUPS = '*';

interface StoreParts {
  readonly client: KafkaClient;
  readonly topic: string;
  readonly topics: Topics;
}

/** The dead letters of all groups in one topic, those of eventsource-py among them; what names no group is listed for `'*'` only. */
export class KafkaDeadLetterStore implements DeadLetterStore {
  readonly #parts: StoreParts;
  readonly #topic: string;
  readonly #index: DeadLetterIndex;
  readonly #places = new WeakMap<StoredDeadLetter, LetterPlace>();
  /** Groups whose topic of replays was seen. */
  readonly #joined = new Set<string>();

  constructor(parts: StoreParts) {
    this.#parts = parts;
    this.#topic = deadLetterTopicOf(parts.topic);
    this.#index = new DeadLetterIndex(parts.client, this.#topic);
  }

  async *browse({
    group,
    after,
  }: Parameters<DeadLetterStore['browse']>[0]): AsyncGenerator<readonly StoredDeadLetter[]> {
    const from = after === undefined ? undefined : placeOf(after);
    const letters = (await this.#standing(group)).filter(
      (letter) => from === undefined || byAge(letter, from) > 0,
    );
    const reader = new LetterReader(this.#parts.client, this.#topic);
    for (let at = 0; at < letters.length; at += PAGE) {
      const page: StoredDeadLetter[] = [];
      for (const place of letters.slice(at, at + PAGE)) {
        if (this.#index.isSettled(place.id)) continue;
        const record = await reader.read(place);
        if (record !== undefined) page.push(this.#show(place, record));
      }
      yield page;
    }
  }

  async depth(group: string): Promise<number> {
    return (await this.#standing(group)).length;
  }

  async replay(letter: StoredDeadLetter, headers: Headers): Promise<boolean> {
    const { id, group } = this.#placeOf(letter);
    // Between its copy and its marker another call would find it standing, and send it again.
    if (!this.#index.claim(id)) return false;
    try {
      await this.#send(letter, group, headers);
      await this.#mark([letter]);
      return true;
    } finally {
      this.#index.letGo(id);
    }
  }

  async remove(letters: readonly StoredDeadLetter[]): Promise<number> {
    const ids = new Map(letters.map((letter) => [letter, this.#placeOf(letter).id]));
    const claimed = letters.filter((letter) => this.#index.claim(ids.get(letter)!));
    try {
      for (let at = 0; at < claimed.length; at += PAGE) await this.#mark(claimed.slice(at, at + PAGE));
      return claimed.length;
    } finally {
      for (const letter of claimed) this.#index.letGo(ids.get(letter)!);
    }
  }

  async #send(letter: StoredDeadLetter, group: string | undefined, headers: Headers): Promise<void> {
    const { client, topic, topics } = this.#parts;
    const { id, type, key, attributes, body } = letter.message;
    if (group !== undefined) {
      if (letter.message.headers['x-group'] !== group) await this.#mustHaveJoined(group);
      await topics.replays(group);
    }
    // A letter that names no group goes to all of them, as eventsource-py does it.
    const destination = group === undefined ? topic : replayTopicOf(topic, group);
    // Kept by all before the marker is: what is marked and not kept is gone.
    await client.send(destination, [toRecord({ id, type, key, attributes, body, headers })], 'all');
  }

  async #mark(letters: readonly StoredDeadLetter[]): Promise<void> {
    const settledAt = new Date().toISOString();
    await this.#parts.client.send(
      this.#topic,
      letters.map((letter) => ({
        key: letter.message.key === '' ? null : letter.message.key,
        value: null,
        headers: { [LETTER_ID_HEADER]: this.#placeOf(letter).id, [SETTLED_HEADER]: settledAt },
      })),
      'all',
    );
    for (const letter of letters) this.#index.settle(this.#placeOf(letter).id);
  }

  /**
   * Of eventsource-py's groups only those that a member of ours has been in read replays.
   * @throws {ConnectionError} for any other, where it would be out of the dead letters and never handled.
   */
  async #mustHaveJoined(group: string): Promise<void> {
    if (this.#joined.has(group)) return;
    const replays = replayTopicOf(this.#parts.topic, group);
    if (!TOPIC_NAME.test(replays) || (await this.#parts.client.missing([replays])).length > 0)
      throw new ConnectionError(
        `The topic "${replays}" is not there. Start a consumer of that group here first, or replay it by eventsource-py.`,
      );
    this.#joined.add(group);
  }

  async #standing(group: string): Promise<LetterPlace[]> {
    const letters = await this.#index.letters();
    return group === ALL_GROUPS ? letters : letters.filter((letter) => letter.group === group);
  }

  #show(place: LetterPlace, record: IncomingRecord): StoredDeadLetter {
    const message = new KafkaMessage(record);
    const { id, type, key, attributes, headers, body } = message;
    const { timestamp, partition, offset } = place;
    const letter: StoredDeadLetter = {
      position: `${timestamp}~${partition}~${offset}`,
      message: { id, type, key, attributes, headers, body },
    };
    this.#places.set(letter, place);
    return letter;
  }

  #placeOf(letter: StoredDeadLetter): LetterPlace {
    const place = this.#places.get(letter);
    if (place === undefined)
      throw new ConnectionError('This dead letter was not listed over this connection.');
    return place;
  }
}

function placeOf(position: string): Omit<LetterPlace, 'id' | 'group'> {
  const [timestamp = 0, partition = 0, offset = 0] = position.split('~').map(Number);
  return { timestamp, partition, offset };
}

/** Reads letters by their coordinates, and keeps what came along: they are asked for in the order of their partitions. */
class LetterReader {
  readonly #client: KafkaClient;
  readonly #topic: string;
  readonly #ahead = new Map<number, readonly IncomingRecord[]>();

  constructor(client: KafkaClient, topic: string) {
    this.#client = client;
    this.#topic = topic;
  }

  /** Undefined when the broker has removed it meanwhile. */
  async read({ partition, offset, id }: LetterPlace): Promise<IncomingRecord | undefined> {
    let records: readonly IncomingRecord[] = this.#ahead.get(partition) ?? [];
    let at = records.findIndex((record) => record.offset >= offset);
    if (at < 0) {
      ({ records } = await this.#client.read({ topic: this.#topic, partition }, offset));
      at = 0;
    }
    const record = records[at];
    this.#ahead.set(partition, records.slice(at));
    return record !== undefined && letterId(partition, record) === id ? record : undefined;
  }
}
