import { createRequire } from 'node:module';
import fc from 'fast-check';
import kafkajs from 'kafkajs';
import { describe, expect, it } from 'vitest';
import type { IncomingRecord } from '../../src/transports/kafka/driver.ts';
import type { Codecs } from '../../src/transports/kafka/kafkajs/codecs.ts';
import { type FetchAnswer, readFetchAnswer } from '../../src/transports/kafka/kafkajs/fetch-answer.ts';
import type { FetchedRecord } from '../../src/transports/kafka/kafkajs/fetched-record.ts';
import { type KafkajsRecord, plainRecord } from '../../src/transports/kafka/kafkajs/plain-record.ts';
import { runSeed } from '../support/seed.ts';

interface Encoder {
  readonly buffer: Buffer;
  writeInt16(value: number): Encoder;
  writeInt32(value: number): Encoder;
  writeInt64(value: bigint): Encoder;
  writeInt8(value: number): Encoder;
  writeVarInt(value: number): Encoder;
  writeVarLong(value: number): Encoder;
  writeVarIntBytes(value: Buffer | null): Encoder;
  writeVarIntString(value: string): Encoder;
  writeString(value: string): Encoder;
}

// Nothing public of kafkajs writes or reads the answer to a fetch by itself.
const inside = createRequire(import.meta.url);
const encoder = inside('kafkajs/src/protocol/encoder.js') as new () => Encoder;
const Batch = inside('kafkajs/src/consumer/batch.js') as new (
  topic: string,
  fetchOffset: string,
  partition: FetchAnswer['responses'][number]['partitions'][number],
) => { readonly messages: readonly (FetchedRecord | KafkajsRecord)[]; lastOffset(): string | number };
const theirs = inside('kafkajs/src/protocol/requests/fetch/v11/response.js') as {
  decode(answer: Buffer): Promise<FetchAnswer>;
};
const codecs = kafkajs.CompressionCodecs as Codecs;
const GZIP = 1;

const bytes = fc.uint8Array({ maxLength: 300 }).map((array) => Buffer.from(array));
const text = fc.string({ unit: 'binary', maxLength: 200 });
const name = fc.oneof(fc.constantFrom('event_type', 'event_id', 'trace', '__proto__', ''), text);
const record = fc.record({
  key: fc.option(bytes),
  value: fc.option(bytes),
  headers: fc.array(fc.tuple(name, fc.option(text.map((value) => Buffer.from(value)))), { maxLength: 9 }),
  timestampDelta: fc.integer({ min: -(2 ** 40), max: 2 ** 40 }),
  gap: fc.nat(300),
});
const batch = fc.record({
  records: fc.array(record, { maxLength: 8 }),
  gap: fc.nat(5),
  codec: fc.constantFrom(0, 0, GZIP),
  // Log append time, transactional, control.
  flags: fc.constantFrom(0, 0, 0x08, 0x10, 0x10, 0x30),
  producerId: fc.constantFrom(-1n, 7n, 8n),
});
const partition = fc.record({
  batches: fc.array(batch, { maxLength: 4 }),
  firstOffset: fc.nat(2 ** 40),
  cutOff: fc.nat(70),
  aborted: fc.array(fc.tuple(fc.constantFrom(7n, 8n), fc.nat(900)), { maxLength: 2 }),
  fetchedFrom: fc.nat(400),
});
type Drawn<T> = T extends fc.Arbitrary<infer Value> ? Value : never;

function written({ key, value, headers, timestampDelta }: Drawn<typeof record>, offsetDelta: number): Buffer {
  const body = new encoder()
    .writeInt8(0)
    .writeVarLong(timestampDelta)
    .writeVarInt(offsetDelta)
    .writeVarIntBytes(key)
    .writeVarIntBytes(value)
    .writeVarInt(headers.length);
  for (const [header, content] of headers) body.writeVarIntString(header).writeVarIntBytes(content);
  return Buffer.concat([new encoder().writeVarInt(body.buffer.length).buffer, body.buffer]);
}

async function batchOf(
  { records, codec, flags, producerId }: Drawn<typeof batch>,
  firstOffset: number,
): Promise<{ readonly buffer: Buffer; readonly next: number }> {
  let delta = -1;
  const lines = records.map((one) => written(one, (delta += 1 + one.gap)));
  const plain = Buffer.concat(lines);
  const gzip = codecs[GZIP]?.() as unknown as { compress(from: { buffer: Buffer }): Promise<Buffer> };
  const content = codec === GZIP && records.length > 0 ? await gzip.compress({ buffer: plain }) : plain;
  const behind = new encoder()
    .writeInt32(3)
    .writeInt8(2)
    .writeInt32(0)
    .writeInt16(codec | flags)
    .writeInt32(Math.max(0, delta))
    .writeInt64(1_700_000_000_000n)
    .writeInt64(1_700_000_000_999n)
    .writeInt64(producerId)
    .writeInt16(0)
    .writeInt32(0)
    .writeInt32(records.length).buffer;
  const head = new encoder().writeInt64(BigInt(firstOffset)).writeInt32(behind.length + content.length);
  return { buffer: Buffer.concat([head.buffer, behind, content]), next: firstOffset + delta + 1 };
}

async function answerOf(partitions: readonly Drawn<typeof partition>[]): Promise<Buffer> {
  const begin = new encoder().writeInt32(12).writeInt16(0).writeInt32(0).writeInt32(1);
  const answer = [begin.writeString('orders.stream').writeInt32(partitions.length).buffer];
  for (const [number, { batches, firstOffset, cutOff, aborted }] of partitions.entries()) {
    let offset = firstOffset;
    const sets: Buffer[] = [];
    for (const one of batches) {
      const { buffer, next } = await batchOf(one, offset + one.gap);
      sets.push(buffer);
      offset = next;
    }
    const whole = Buffer.concat(sets);
    const last = sets.at(-1)?.length ?? 0;
    // The end of the last batch may be missing. (kafkajs stumbles where nothing but the beginning of one is there.)
    const most = Math.max(0, Math.min(last, whole.length - 17));
    const set = whole.subarray(0, whole.length - Math.min(cutOff, most));
    const head = new encoder().writeInt32(number).writeInt16(0).writeInt64(BigInt(offset));
    head.writeInt64(BigInt(offset)).writeInt64(0n).writeInt32(aborted.length);
    for (const [producerId, from] of aborted)
      head.writeInt64(producerId).writeInt64(BigInt(firstOffset + from));
    answer.push(head.writeInt32(-1).writeInt32(set.length).buffer, set);
  }
  return Buffer.concat(answer);
}

/** kafkajs tells a name that is repeated once. */
const shown = ({ offset, timestamp, key, value, headers }: IncomingRecord) => ({
  offset,
  timestamp,
  key,
  value,
  headers: new Map([...new Set(headers.names)].toSorted().map((header) => [header, headers.get(header)])),
});

describe('the answer to a fetch', () => {
  it('is read as kafkajs reads it, and kafkajs takes what was read', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(partition, { maxLength: 3 }), async (partitions) => {
        const answer = await answerOf(partitions);
        const [ours, reference] = [await readFetchAnswer(answer, codecs), await theirs.decode(answer)];
        const without = (given: FetchAnswer | undefined) => ({
          ...given,
          responses: given?.responses.map((topic) => ({
            ...topic,
            partitions: topic.partitions.map((one) => ({ ...one, messages: one.messages.length })),
          })),
        });
        expect(without(ours)).toEqual(without(reference));
        for (const [number, { firstOffset, fetchedFrom }] of partitions.entries()) {
          const batches = [ours, reference].map((given) => {
            const found = given?.responses[0]?.partitions[number];
            return new Batch('orders.stream', String(firstOffset + fetchedFrom), found!);
          });
          const [mine, known] = batches as [(typeof batches)[0], (typeof batches)[0]];
          expect((mine.messages as FetchedRecord[]).map(shown)).toEqual(
            (known.messages as KafkajsRecord[]).map((one) => shown(plainRecord(one))),
          );
          expect(String(mine.lastOffset())).toBe(String(known.lastOffset()));
        }
      }),
      { seed: runSeed(), numRuns: 100 },
    );
  });

  it('is left to kafkajs where records are of an older format', async () => {
    const old = Buffer.alloc(40);
    old.writeInt8(1, 16);
    const answer = new encoder().writeInt32(0).writeInt16(0).writeInt32(0).writeInt32(1).writeString('t');
    answer.writeInt32(1).writeInt32(0).writeInt16(0).writeInt64(1n).writeInt64(1n).writeInt64(0n);
    answer.writeInt32(-1).writeInt32(-1).writeInt32(old.length);
    expect(await readFetchAnswer(Buffer.concat([answer.buffer, old]), codecs)).toBeUndefined();
  });
});
