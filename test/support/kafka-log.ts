import type {
  Acks,
  IncomingRecord,
  KafkaClient,
  OutgoingRecord,
  ReadAnswer,
} from '../../src/transports/kafka/driver.ts';
import { PlainHeaders } from '../../src/transports/kafka/kafkajs/plain-record.ts';

const bytes = (part: string | Buffer | null): Buffer | null => (part === null ? null : Buffer.from(part));

/** A Kafka client whose topics have one partition each, in memory; it groups nobody. */
export class KafkaLog {
  /** What each `send` was told, in order. */
  readonly acks: { readonly topic: string; readonly acks: Acks }[] = [];
  /** How many of the next reads bring nothing, though there is something. */
  lateAnswers = 0;
  reads = 0;
  readonly ended = new Promise<undefined>(() => undefined);
  /** What the next `send` comes to. */
  sending: Promise<void> = Promise.resolve();
  readonly #logs = new Map<string, (IncomingRecord | 'mark')[]>();
  readonly #lows = new Map<string, number>();

  /** As the port has it. */
  get client(): KafkaClient {
    return this as unknown as KafkaClient;
  }

  async send(topic: string, records: readonly OutgoingRecord[], acks: Acks): Promise<void> {
    this.acks.push({ topic, acks });
    const { sending } = this;
    this.sending = Promise.resolve();
    await sending;
    const log = this.#logOf(topic);
    for (const { key, value, headers } of records)
      log.push({
        offset: log.length,
        timestamp: log.length,
        key: bytes(key),
        value: bytes(value),
        headers: new PlainHeaders(headers),
      });
  }

  /** What a transaction leaves behind, and nobody is shown. */
  endTransaction(topic: string): void {
    this.#logOf(topic).push('mark');
  }

  /** As retention does it. */
  removeBefore(topic: string, offset: number): void {
    this.#lows.set(topic, offset);
  }

  recordsOf(topic: string): readonly (IncomingRecord | 'mark')[] {
    return this.#logOf(topic);
  }

  missing(): Promise<string[]> {
    return Promise.resolve([]);
  }

  ranges(topic: string) {
    const low = this.#lows.get(topic) ?? 0;
    return Promise.resolve([{ partition: 0, low, high: this.#logOf(topic).length }]);
  }

  read({ topic }: { topic: string }, offset: number): Promise<ReadAnswer> {
    this.reads++;
    if (this.lateAnswers-- > 0) return Promise.resolve({ records: [], next: offset });
    const log = this.#logOf(topic);
    const records = log.slice(offset).filter((record) => record !== 'mark');
    return Promise.resolve({ records, next: Math.max(offset, log.length) });
  }

  #logOf(topic: string): (IncomingRecord | 'mark')[] {
    const log = this.#logs.get(topic) ?? [];
    this.#logs.set(topic, log);
    return log;
  }
}
