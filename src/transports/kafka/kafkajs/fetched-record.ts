import type { IncomingHeaders, IncomingRecord } from '../driver.ts';
import { Bytes } from './bytes.ts';

/** What kafkajs asks of a record besides its offset: whether it is to be passed over. */
export interface BatchContext {
  readonly producerId: string;
  readonly inTransaction: boolean;
}

/** A batch of records as it lies in the answer. */
export interface BatchOrigin {
  readonly context: BatchContext;
  readonly isControl: boolean;
  /** Milliseconds since the epoch; -1 where each record has a delta of its own to `firstTimestamp`. */
  readonly appendedAt: number;
  readonly firstTimestamp: number;
}

/**
 * A record that is read where it lies, as far as anybody asks. kafkajs makes some thirty objects of each, most of them for
 * headers that nobody looks at, and holds them for as long as the record waits.
 */
export class FetchedRecord implements IncomingRecord {
  readonly offset: number;
  readonly #origin: BatchOrigin;
  readonly #buffer: Buffer;
  readonly #timestampDelta: number;
  readonly #keyAt: number;
  /** -1 for null, as Kafka writes it; likewise the value's. */
  readonly #keyLength: number;
  readonly #valueAt: number;
  readonly #valueLength: number;
  readonly #headersAt: number;

  /** Takes the record that begins here, and moves on behind it. */
  constructor(bytes: Bytes, firstOffset: number, origin: BatchOrigin) {
    const length = bytes.varint();
    const end = bytes.at + length;
    bytes.int8();
    this.#origin = origin;
    this.#buffer = bytes.buffer;
    this.#timestampDelta = bytes.varlong();
    this.offset = firstOffset + bytes.varint();
    this.#keyLength = bytes.varint();
    this.#keyAt = bytes.at;
    if (this.#keyLength > 0) bytes.at += this.#keyLength;
    this.#valueLength = bytes.varint();
    this.#valueAt = bytes.at;
    if (this.#valueLength > 0) bytes.at += this.#valueLength;
    this.#headersAt = bytes.at;
    if (!(length > 0) || bytes.at > end || end > bytes.buffer.length)
      throw new RangeError(`The record at offset ${this.offset} is longer than what holds it`);
    bytes.at = end;
  }

  get key(): Buffer | null {
    return this.#slice(this.#keyAt, this.#keyLength);
  }

  get value(): Buffer | null {
    return this.#slice(this.#valueAt, this.#valueLength);
  }

  get headers(): IncomingHeaders {
    return new FetchedHeaders(this.#buffer, this.#headersAt);
  }

  get timestamp(): number {
    const { appendedAt, firstTimestamp } = this.#origin;
    return appendedAt >= 0 ? appendedAt : firstTimestamp + this.#timestampDelta;
  }

  get isControlRecord(): boolean {
    return this.#origin.isControl;
  }

  get batchContext(): BatchContext {
    return this.#origin.context;
  }

  #slice(at: number, length: number): Buffer | null {
    return length < 0 ? null : this.#buffer.subarray(at, at + length);
  }
}

class FetchedHeaders implements IncomingHeaders {
  readonly names: readonly string[];
  readonly #buffer: Buffer;
  readonly #at: number;

  constructor(buffer: Buffer, at: number) {
    this.#buffer = buffer;
    this.#at = at;
    this.names = namesAt(buffer, at);
  }

  get(name: string): string | undefined {
    const index = this.names.lastIndexOf(name);
    if (index < 0) return undefined;
    const bytes = new Bytes(this.#buffer, this.#at);
    bytes.varint();
    for (let passed = 0; passed < index; passed++) {
      bytes.pass();
      bytes.pass();
    }
    bytes.pass();
    const length = bytes.varint();
    return length < 0 ? undefined : this.#buffer.toString('utf8', bytes.at, bytes.at + length);
  }
}

interface KnownNames {
  readonly names: readonly string[];
  readonly spellings: readonly Buffer[];
}

/** Of so many headers the names that were read last: those of most records are the ones of the record before. */
const known = new Map<number, KnownNames>();
const MOST_KNOWN = 32;
const NONE: readonly string[] = [];

function namesAt(buffer: Buffer, at: number): readonly string[] {
  const bytes = new Bytes(buffer, at);
  const count = bytes.varint();
  if (count <= 0) return NONE;
  const last = known.get(count);
  if (last !== undefined && spellsOut(last, bytes)) return last.names;
  bytes.at = at;
  bytes.varint();
  const spellings: Buffer[] = [];
  for (let index = 0; index < count; index++) {
    const length = bytes.varint();
    // A copy: a name must not hold on to the answer that it came in.
    spellings.push(Buffer.from(buffer.subarray(bytes.at, bytes.at + length)));
    bytes.at += length;
    bytes.pass();
  }
  const names = spellings.map((spelling) => spelling.toString('utf8'));
  if (count <= MOST_KNOWN) known.set(count, { names, spellings });
  return names;
}

function spellsOut({ spellings }: KnownNames, bytes: Bytes): boolean {
  const { buffer } = bytes;
  for (const spelling of spellings) {
    if (bytes.varint() !== spelling.length) return false;
    for (let at = 0; at < spelling.length; at++) if (buffer[bytes.at + at] !== spelling[at]) return false;
    bytes.at += spelling.length;
    bytes.pass();
  }
  return true;
}
