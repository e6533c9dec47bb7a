import type { Message } from '../../contracts/message.ts';
import { PublishFailure } from '../../errors.ts';
import type { OutgoingRecord } from './driver.ts';
import { toRecord } from './record.ts';

/** One request makes one batch a partition, which the broker takes up to 1 MiB of by default (`message.max.bytes`). */
const MOST_BYTES = 900 * 1024;
/** Of what Kafka adds: lengths, times, and a share of the batch's own header. */
const RECORD_BYTES = 60;
const HEADER_BYTES = 6;

/** What a publish asked for, and what has become of it so far. */
interface Job {
  readonly records: readonly OutgoingRecord[];
  /** How many went into a request, in order. */
  sent: number;
  readonly stored: number[];
  readonly unknown: number[];
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
}

export interface PublisherParts {
  readonly lingerMs: number;
  readonly send: (records: readonly OutgoingRecord[]) => Promise<void>;
  /** Whether the error says that nothing of a request was stored. */
  readonly isRefusal: (error: unknown, count: number) => boolean;
}

/**
 * Sends one request after the other, which is what keeps the order of events: kafkajs compresses several at once, and a
 * failed one would be overtaken. What is asked for meanwhile shares the next request.
 */
export class RecordPublisher {
  readonly #parts: PublisherParts;
  #jobs: Job[] = [];
  #isSending = false;
  #over: Error | undefined;

  constructor(parts: PublisherParts) {
    this.#parts = parts;
  }

  /** @throws {PublishFailure} */
  publish(messages: readonly Message[]): Promise<void> {
    if (this.#over !== undefined) return Promise.reject(unsent(messages.length, this.#over));
    return new Promise((resolve, reject) => {
      const records = messages.map(toRecord);
      this.#jobs.push({ records, sent: 0, stored: [], unknown: [], resolve, reject });
      if (!this.#isSending) void this.#run();
    });
  }

  /** What waits is never sent; what is under way is settled by its request. */
  end(cause: Error): void {
    this.#over = cause;
    this.#failWaiting(cause);
  }

  async #run(): Promise<void> {
    this.#isSending = true;
    if (this.#parts.lingerMs > 0) await new Promise((resolve) => setTimeout(resolve, this.#parts.lingerMs));
    while (this.#jobs.length > 0) {
      const { records, shares } = this.#nextRequest();
      let error: unknown;
      try {
        await this.#parts.send(records);
      } catch (caught) {
        error = caught ?? new Error('unknown');
      }
      for (const share of shares) this.#settle(share, error, records.length);
      // What failed is published again; what waits here would overtake it.
      if (error !== undefined && isRetryable(error)) this.#failWaiting(error);
    }
    this.#isSending = false;
  }

  #failWaiting(cause: unknown): void {
    const waiting = this.#jobs.filter(({ sent }) => sent === 0);
    this.#jobs = this.#jobs.filter(({ sent }) => sent > 0);
    for (const job of waiting) fail(job, cause);
  }

  /** As many records as one request may hold, of as many jobs as there are. */
  #nextRequest(): { readonly records: OutgoingRecord[]; readonly shares: readonly Share[] } {
    const records: OutgoingRecord[] = [];
    const shares: Share[] = [];
    let bytes = 0;
    for (const job of this.#jobs) {
      const from = job.sent;
      for (; job.sent < job.records.length; job.sent++) {
        const record = job.records[job.sent]!;
        const size = sizeOf(record);
        if (records.length > 0 && bytes + size > MOST_BYTES) {
          if (job.sent > from) shares.push({ job, from, to: job.sent });
          return { records, shares };
        }
        bytes += size;
        records.push(record);
      }
      shares.push({ job, from, to: job.sent });
    }
    return { records, shares };
  }

  #settle({ job, from, to }: Share, error: unknown, count: number): void {
    if (error === undefined) for (let at = from; at < to; at++) job.stored.push(at);
    else if (!this.#parts.isRefusal(error, count)) for (let at = from; at < to; at++) job.unknown.push(at);
    if (error === undefined && to < job.records.length && this.#over === undefined) return;
    this.#jobs = this.#jobs.filter((other) => other !== job);
    // What would have followed in order isn't sent any more.
    if (error === undefined && to === job.records.length) job.resolve();
    else fail(job, error ?? this.#over);
  }
}

interface Share {
  readonly job: Job;
  readonly from: number;
  readonly to: number;
}

function fail({ records, stored, unknown, reject }: Job, cause: unknown): void {
  const settled = new Set([...stored, ...unknown]);
  const unsentOnes = [...records.keys()].filter((at) => !settled.has(at));
  const failed = records.length - stored.length;
  const { message = String(cause) } = cause as { message?: string };
  reject(
    new PublishFailure(
      `Kafka did not confirm ${failed} of ${records.length} events: ${message}`,
      { stored, unknown, unsent: unsentOnes },
      { retryable: isRetryable(cause), cause },
    ),
  );
}

const isRetryable = (error: unknown): boolean => (error as { retryable?: boolean }).retryable ?? true;

function unsent(count: number, cause: Error): PublishFailure {
  return new PublishFailure(
    'Kafka is not connected',
    { stored: [], unknown: [], unsent: [...Array(count).keys()] },
    { cause },
  );
}

function sizeOf({ key, value, headers }: OutgoingRecord): number {
  let bytes = RECORD_BYTES + lengthOf(key) + lengthOf(value);
  for (const name in headers) bytes += HEADER_BYTES + lengthOf(name) + lengthOf(headers[name] as string);
  return bytes;
}

function lengthOf(part: string | Buffer | null): number {
  return part === null ? 0 : Buffer.byteLength(part);
}
