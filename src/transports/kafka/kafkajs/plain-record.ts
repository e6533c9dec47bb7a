import type { IncomingHeaders, IncomingRecord, ReadAnswer } from '../driver.ts';
import { FetchedRecord } from './fetched-record.ts';

/** A record as kafkajs itself reads it. */
export interface KafkajsRecord {
  readonly offset: string;
  /** Milliseconds since the epoch. */
  readonly timestamp: string;
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  readonly headers?: Readonly<Record<string, KafkajsHeader>>;
  readonly isControlRecord?: boolean;
}

/** More than one value where the same name stands there more than once. */
export type KafkajsHeader = Buffer | string | (Buffer | string)[] | undefined;

export function plainRecord({ offset, timestamp, key, value, headers }: KafkajsRecord): IncomingRecord {
  return {
    offset: Number(offset),
    timestamp: Number(timestamp),
    key,
    value,
    headers: new PlainHeaders(headers ?? {}),
  };
}

/** Those that somebody wrote. Whole batches come, also what of the first lies before `offset`. */
export function answerFrom(offset: number, found: readonly (KafkajsRecord | FetchedRecord)[]): ReadAnswer {
  const written = found.filter(({ isControlRecord }) => isControlRecord !== true);
  return {
    records: recordsOf(written).filter((record) => record.offset >= offset),
    next: Math.max(offset, Number(found.at(-1)?.offset ?? -1) + 1),
  };
}

/** One answer is read by us or by kafkajs as a whole. */
export function recordsOf(messages: readonly unknown[]): readonly IncomingRecord[] {
  return messages[0] instanceof FetchedRecord
    ? (messages as readonly FetchedRecord[])
    : (messages as readonly KafkajsRecord[]).map(plainRecord);
}

export class PlainHeaders implements IncomingHeaders {
  readonly names: readonly string[];
  readonly #values: Readonly<Record<string, KafkajsHeader>>;

  constructor(values: Readonly<Record<string, KafkajsHeader>>) {
    this.names = Object.keys(values);
    this.#values = values;
  }

  get(name: string): string | undefined {
    if (!Object.hasOwn(this.#values, name)) return undefined;
    const value = this.#values[name];
    const last = Array.isArray(value) ? value.at(-1) : value;
    return typeof last === 'string' ? last : last?.toString('utf8');
  }
}
