import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { decodeFinished, encodeFinished, MOST_BEHIND } from '../../src/transports/kafka/finished.ts';
import { PlainHeaders } from '../../src/transports/kafka/kafkajs/plain-record.ts';
import { type LedgerEntry, PartitionLedger } from '../../src/transports/kafka/ledger.ts';
import { KafkaMessage, toRecord } from '../../src/transports/kafka/record.ts';
import { runRandom } from '../support/seed.ts';

const place = { topic: 't', partition: 0 };
const entry = (offset: number, next = offset + 1): LedgerEntry => ({
  offset,
  next,
  isDone: false,
  isHeld: true,
});

function ledgerWith(...offsets: number[]): { ledger: PartitionLedger<LedgerEntry>; entries: LedgerEntry[] } {
  const ledger = new PartitionLedger<LedgerEntry>(place, offsets[0] ?? 0, []);
  const entries = offsets.map((offset) => entry(offset));
  for (const one of entries) ledger.add(one);
  return { ledger, entries };
}

describe('what is finished behind a commit', () => {
  it('comes back from its metadata', () => {
    const finished = [11, 12, 19, 500];
    expect(decodeFinished(10, encodeFinished(10, finished))).toEqual(finished);
  });

  it('is nothing when there is none, or when somebody else wrote it', () => {
    expect(encodeFinished(10, [])).toBe('');
    expect(decodeFinished(10, '')).toEqual([]);
    expect(decodeFinished(10, 'my own note')).toEqual([]);
  });

  it('fits into what a broker takes, however much there is', () => {
    const all = Array.from({ length: MOST_BEHIND + 500 }, (_, at) => at + 1);
    const metadata = encodeFinished(0, all);
    expect(metadata.length).toBeLessThan(4096);
    expect(decodeFinished(0, metadata)).toEqual(all.slice(0, MOST_BEHIND - 1));
  });
});

describe('the ledger of a partition', () => {
  it('commits up to the first that is not done, and tells what is done behind it', () => {
    const { ledger, entries } = ledgerWith(5, 6, 7, 8);
    ledger.settle(entries[2]!);
    expect(ledger.takeChange()).toEqual({ offset: 5, metadata: encodeFinished(5, [7]) });
    ledger.settle(entries[0]!);
    expect(ledger.takeChange()).toEqual({ offset: 6, metadata: encodeFinished(6, [7]) });
    ledger.settle(entries[1]!);
    expect(ledger.takeChange()).toEqual({ offset: 8, metadata: '' });
    expect(ledger.takeChange()).toBeUndefined();
  });

  it('passes over gaps of a compacted log', () => {
    const ledger = new PartitionLedger<LedgerEntry>(place, 0, []);
    const [one, two] = [entry(0, 1), entry(7, 12)];
    for (const each of [one, two]) ledger.add(each);
    for (const each of [one, two]) ledger.settle(each);
    expect(ledger.takeChange()?.offset).toBe(12);
  });

  it('never passes one that was given up', () => {
    const { ledger, entries } = ledgerWith(0, 1, 2);
    ledger.forget(entries[0]!);
    ledger.settle(entries[1]!);
    ledger.settle(entries[2]!);
    expect(ledger.takeChange()).toEqual({ offset: 0, metadata: encodeFinished(0, [1, 2]) });
  });

  it('recognises after a rebalance what is done or in hand, and nothing else', () => {
    const { ledger, entries } = ledgerWith(0, 1, 2);
    ledger.settle(entries[1]!);
    ledger.forget(entries[2]!);
    ledger.rewind();
    expect([0, 1, 2].map((offset) => ledger.recognises(offset))).toEqual([true, true, false]);
    expect([...ledger.held()]).toEqual([entries[0]]);
    ledger.settle(entries[0]!);
    expect(ledger.takeChange()?.offset).toBe(2);
  });

  it('recognises what the owner before had finished', () => {
    const ledger = new PartitionLedger<LedgerEntry>(place, 3, [4]);
    expect([3, 4, 5].map((offset) => ledger.recognises(offset))).toEqual([false, true, false]);
  });

  it('sees that the log is another one when its numbers go back', () => {
    const { ledger } = ledgerWith(5, 6);
    expect(ledger.isBehind(7)).toBe(false);
    expect(ledger.isBehind(0)).toBe(true);
  });

  it('commits neither too much nor backwards, in whatever order things are done', () => {
    const random = runRandom(41);
    for (let round = 0; round < 200; round++) {
      const { ledger, entries } = ledgerWith(...Array.from({ length: 40 }, (_, at) => at));
      const open = [...entries];
      let committed = 0;
      while (open.length > 0) {
        const [chosen] = open.splice(Math.floor(random() * open.length), 1);
        ledger.settle(chosen!);
        if (random() < 0.3) continue;
        const mark = ledger.takeChange()!;
        const firstOpen = open.length === 0 ? 40 : Math.min(...open.map(({ offset }) => offset));
        expect(mark.offset).toBe(firstOpen);
        expect(mark.offset).toBeGreaterThanOrEqual(committed);
        const done = entries.filter(({ isDone, offset }) => isDone && offset > firstOpen);
        expect(decodeFinished(mark.offset, mark.metadata)).toEqual(done.map(({ offset }) => offset));
        committed = mark.offset;
      }
    }
  });
});

interface WireMessage {
  readonly key: string;
  readonly headers: readonly (readonly [string, string])[];
  readonly value: string;
}
const golden = JSON.parse(
  readFileSync(new URL('../support/wire/eventsource-py.json', import.meta.url), 'utf8'),
) as { readonly kafka: { readonly messages: readonly WireMessage[] } };

describe('a record of eventsource-py', () => {
  it.each(golden.kafka.messages.map((message, at) => [at, message] as const))(
    'is read, and written again as it was (%i)',
    (_, { key, headers, value }) => {
      const message = new KafkaMessage({
        offset: 0,
        timestamp: 0,
        key: Buffer.from(key),
        value: Buffer.from(value),
        headers: new PlainHeaders(
          Object.fromEntries(headers.map(([name, text]) => [name, Buffer.from(text)])),
        ),
      });
      expect(message.id).toBe(headers[0]?.[1]);
      expect(message.headers).toEqual({});
      const { id, type, attributes, body } = message;
      const record = toRecord({ id, type, key: message.key, attributes, headers: {}, body });
      expect(record.key).toBe(key);
      expect(Object.entries(record.headers)).toEqual(headers);
      expect(String(record.value)).toBe(value);
    },
  );

  it('keeps a user’s header apart that is called as one of the envelope', () => {
    const headers = { event_id: 'mine', 'h:odd': 'too', trace: 'x', ['__proto__']: 'harmless' };
    const message = {
      id: 'e',
      type: 'T',
      key: 'k',
      attributes: {},
      headers: Object.fromEntries(Object.entries(headers)),
      body: '{}',
    };
    const { headers: written, key, value } = toRecord(message);
    const read = new KafkaMessage({
      offset: 0,
      timestamp: 0,
      key: Buffer.from(key as string),
      value: Buffer.from(value as string),
      headers: new PlainHeaders(written),
    });
    expect(read.id).toBe('e');
    expect(new Map(Object.entries(read.headers))).toEqual(new Map(Object.entries(message.headers)));
  });
});
