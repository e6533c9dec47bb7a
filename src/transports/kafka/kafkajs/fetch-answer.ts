import { Bytes } from './bytes.ts';
import { codecOf, type Codecs } from './codecs.ts';
import { type BatchOrigin, FetchedRecord } from './fetched-record.ts';

/** The version of Fetch that is read here, which every broker since Kafka 2.3 speaks: kafkajs' newest. */
export const FETCH_VERSION = 11;

const MAGIC_AT = 16;
const MAGIC = 2;
/** Offset and length, which stand before what the length counts. */
const PREFIX = 12;
const CODEC = 0x07;
const LOG_APPEND_TIME = 0x08;
const TRANSACTIONAL = 0x10;
const CONTROL = 0x20;

/** As kafkajs hands it on, with records of ours in it. */
export interface FetchAnswer {
  /** Zero: a broker that throttles waits itself, and asks the client to wait, too. */
  readonly throttleTime: 0;
  readonly clientSideThrottleTime: number;
  readonly errorCode: number;
  readonly sessionId: number;
  readonly responses: readonly {
    readonly topicName: string;
    readonly partitions: readonly FetchedPartition[];
  }[];
}

interface FetchedPartition {
  readonly partition: number;
  readonly errorCode: number;
  readonly highWatermark: string;
  readonly lastStableOffset: string;
  readonly lastStartOffset: string;
  readonly abortedTransactions: readonly { readonly producerId: string; readonly firstOffset: string }[];
  readonly preferredReadReplica: number;
  readonly messages: readonly FetchedRecord[];
}

/**
 * Undefined where a partition holds records of a format before Kafka 0.11, of which nothing is known here.
 * @throws {ConnectionError} naming topic and package when a codec isn't installed.
 */
export async function readFetchAnswer(answer: Buffer, codecs: Codecs): Promise<FetchAnswer | undefined> {
  const bytes = new Bytes(answer);
  const clientSideThrottleTime = bytes.int32();
  const errorCode = bytes.int16();
  const sessionId = bytes.int32();
  const responses = [];
  for (let topics = bytes.int32(); topics > 0; topics--) {
    const topicName = bytes.text();
    const partitions: FetchedPartition[] = [];
    for (let count = bytes.int32(); count > 0; count--) {
      const head = readHead(bytes);
      const length = Math.max(0, bytes.int32());
      const messages = await readRecords(answer.subarray(bytes.at, bytes.at + length), (number) =>
        codecOf(codecs, number, topicName),
      );
      if (messages === undefined) return undefined;
      bytes.at += length;
      partitions.push({ ...head, messages });
    }
    responses.push({ topicName, partitions });
  }
  return { throttleTime: 0, clientSideThrottleTime, errorCode, sessionId, responses };
}

function readHead(bytes: Bytes): Omit<FetchedPartition, 'messages'> {
  const partition = bytes.int32();
  const errorCode = bytes.int16();
  const [highWatermark, lastStableOffset, lastStartOffset] = [bytes.int64(), bytes.int64(), bytes.int64()];
  const abortedTransactions = [];
  for (let count = bytes.int32(); count > 0; count--)
    abortedTransactions.push({
      producerId: String(bytes.int64()),
      firstOffset: String(bytes.int64()),
    });
  return {
    partition,
    errorCode,
    highWatermark: String(highWatermark),
    lastStableOffset: String(lastStableOffset),
    lastStartOffset: String(lastStartOffset),
    abortedTransactions,
    preferredReadReplica: bytes.int32(),
  };
}

type CodecOf = (number: number) => ReturnType<typeof codecOf>;

async function readRecords(set: Buffer, codecBy: CodecOf): Promise<FetchedRecord[] | undefined> {
  const records: FetchedRecord[] = [];
  for (let at = 0; at + MAGIC_AT < set.length;) {
    if (set[at + MAGIC_AT] !== MAGIC) return undefined;
    const end = at + PREFIX + set.readInt32BE(at + 8);
    // The last batch may be cut off, where the answer was to become no larger.
    if (end > set.length) break;
    await readBatch(new Bytes(set.subarray(at, end)), codecBy, records);
    at = end;
  }
  return records;
}

async function readBatch(bytes: Bytes, codecBy: CodecOf, records: FetchedRecord[]): Promise<void> {
  const firstOffset = Number(bytes.int64());
  // Behind length, leader's epoch, magic byte and checksum.
  bytes.at = MAGIC_AT + 5;
  const attributes = bytes.int16();
  bytes.int32();
  const firstTimestamp = Number(bytes.int64());
  const maxTimestamp = Number(bytes.int64());
  const origin: BatchOrigin = {
    context: { producerId: String(bytes.int64()), inTransaction: (attributes & TRANSACTIONAL) !== 0 },
    isControl: (attributes & CONTROL) !== 0,
    appendedAt: (attributes & LOG_APPEND_TIME) !== 0 ? maxTimestamp : -1,
    firstTimestamp,
  };
  // The producer's epoch, and its sequence.
  bytes.at += 6;
  const count = bytes.int32();
  const codec = codecBy(attributes & CODEC);
  const from =
    codec === undefined || count <= 0
      ? bytes
      : new Bytes(await codec.decompress(bytes.buffer.subarray(bytes.at)));
  for (let index = 0; index < count; index++) records.push(new FetchedRecord(from, firstOffset, origin));
}
