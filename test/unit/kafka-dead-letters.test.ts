import { describe, expect, it } from 'vitest';
import type { Message } from '../../src/contracts/message.ts';
import type { StoredDeadLetter } from '../../src/contracts/transport.ts';
import { KafkaConnection } from '../../src/transports/kafka/connection.ts';
import { DeadLetterIndex } from '../../src/transports/kafka/dead-letter-index.ts';
import { parseKafkaOptions } from '../../src/transports/kafka/options.ts';
import { KafkaLog } from '../support/kafka-log.ts';

const LETTERS = 'events.stream.dlq';
const REPLAYS = 'events.stream.g.replay';

const message = (id: string): Message => ({
  id,
  type: 'T',
  key: 'k',
  attributes: {},
  headers: {},
  body: '{}',
});
const letterHeaders = (id: string) => ({ 'x-dead-letter-id': id, 'x-group': 'g' });

/** A connection over a log in memory, with these dead letters of the group `g`. */
async function rig(ids: readonly string[], acks: 'all' | 'leader' | 'none' = 'all') {
  const log = new KafkaLog();
  const connection = new KafkaConnection({
    client: log.client,
    settings: parseKafkaOptions({ acks }),
    topic: 'events.stream',
    identityOf: () => ({ memberId: undefined }),
    memory: { topics: new Set(), firstPartitions: new Map() },
  });
  for (const id of ids) await connection.storeDeadLetter(message(id), letterHeaders(id));
  const { deadLetters } = connection;
  const list = async (): Promise<StoredDeadLetter[]> => {
    const letters: StoredDeadLetter[] = [];
    for await (const page of deadLetters.browse({ group: 'g' })) letters.push(...page);
    return letters;
  };
  return { log, connection, deadLetters, list };
}

const idsOf = (letters: readonly StoredDeadLetter[]) => letters.map(({ message: { id } }) => id);

describe('what others are acknowledged by, on Kafka', () => {
  it.each(['leader', 'none'] as const)(
    'is stored in all replicas, whatever publishes are, here with acks %s',
    async (acks) => {
      const { log, connection, deadLetters, list } = await rig(['a', 'b'], acks);
      await connection.publish([message('p')]);
      const [first, second] = await list();
      await deadLetters.replay(first!, {});
      await deadLetters.remove([second!]);
      expect(log.acks).toEqual([
        { topic: LETTERS, acks: 'all' },
        { topic: LETTERS, acks: 'all' },
        { topic: 'events.stream', acks },
        { topic: REPLAYS, acks: 'all' },
        // The markers of the replayed one and of the removed one.
        { topic: LETTERS, acks: 'all' },
        { topic: LETTERS, acks: 'all' },
      ]);
    },
  );
});

describe('a dead letter on Kafka', () => {
  it('is replayed once by who comes first, also if several are at it', async () => {
    const { log, deadLetters, list } = await rig(['a']);
    const [letter] = await list();
    expect(await Promise.all([1, 2, 3].map(() => deadLetters.replay(letter!, {})))).toEqual([
      true,
      false,
      false,
    ]);
    expect(await deadLetters.replay(letter!, {})).toBe(false);
    expect(log.recordsOf(REPLAYS)).toHaveLength(1);
  });

  it('is not removed while it is replayed, nor replayed while it is removed', async () => {
    const { log, deadLetters, list } = await rig(['a', 'b']);
    const [a, b] = await list();
    expect(await Promise.all([deadLetters.replay(a!, {}), deadLetters.remove([a!, b!])])).toEqual([true, 1]);
    expect(log.recordsOf(REPLAYS)).toHaveLength(1);

    const other = await rig(['c']);
    const [c] = await other.list();
    expect(await Promise.all([other.deadLetters.remove([c!]), other.deadLetters.replay(c!, {})])).toEqual([
      1,
      false,
    ]);
    expect(other.log.recordsOf(REPLAYS)).toEqual([]);
  });

  it('can be replayed again when that failed', async () => {
    const { log, deadLetters, list } = await rig(['a']);
    const [letter] = await list();
    log.sending = Promise.reject(new Error('no leader'));
    await expect(deadLetters.replay(letter!, {})).rejects.toThrow('no leader');
    expect(await deadLetters.replay(letter!, {})).toBe(true);
    expect(await list()).toEqual([]);
  });

  it('that a busy broker did not show is there at the next look', async () => {
    const { log, list } = await rig(['a', 'b']);
    log.lateAnswers = 3;
    expect(await list()).toEqual([]);
    expect(idsOf(await list())).toEqual(['a', 'b']);
  });

  it('before the mark of a transaction has nobody wait for more each time', async () => {
    const { log, list } = await rig(['a']);
    log.endTransaction(LETTERS);
    expect(idsOf(await list())).toEqual(['a']);
    const before = log.reads;
    expect(idsOf(await list())).toEqual(['a']);
    // Of the letter itself, which is read to be shown.
    expect(log.reads - before).toBe(1);
  });

  it('is forgotten when retention has taken its marker', async () => {
    const { log, deadLetters, list } = await rig(['a', 'b']);
    await deadLetters.remove(await list());
    const index = new DeadLetterIndex(log.client, LETTERS);
    expect(await index.letters()).toEqual([]);
    expect(['a', 'b'].map((id) => index.isSettled(id))).toEqual([true, true]);
    log.removeBefore(LETTERS, 3);
    await index.letters();
    expect(['a', 'b'].map((id) => index.isSettled(id))).toEqual([false, true]);
  });

  it('is forgotten then, too, when it was settled over this connection', async () => {
    const log = new KafkaLog();
    const index = new DeadLetterIndex(log.client, LETTERS);
    await log.send(LETTERS, [{ key: 'k', value: '{}', headers: letterHeaders('a') }], 'all');
    expect(await index.letters()).toHaveLength(1);
    await log.send(
      LETTERS,
      [{ key: 'k', value: null, headers: { ...letterHeaders('a'), 'x-settled': 'now' } }],
      'all',
    );
    index.settle('a');
    expect(await index.letters()).toEqual([]);
    log.removeBefore(LETTERS, 2);
    await index.letters();
    expect(index.isSettled('a')).toBe(false);
  });
});
