import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { EventStore, StreamId } from '../repository/event-store.ts';
import { EventStreamError, OptimisticLockError } from '../repository/errors.ts';
import type { DomainEvent } from '../contracts/event.ts';
import { counted } from './counted.ts';
import { seededRandom } from './random.ts';

/** How the suite gets a store. */
export interface EventStoreHarness {
  start?(): Promise<void>;
  /** An empty one; two that are asked for share nothing. */
  open(): Promise<EventStore>;
  stop?(): Promise<void>;
}

/**
 * Declares the tests that every event store has to pass: call it at the top of a vitest test file.
 * @param seed chooses what the random walk does (1).
 */
export function describeEventStore(name: string, harness: EventStoreHarness, seed = 1): void {
  describe(`${name} conforms`, () => {
    beforeAll(() => harness.start?.());
    afterAll(() => harness.stop?.());

    it('gives a stream back as it was stored, oldest first', async () => {
      const store = await harness.open();
      const past = pastOf(order, 1, 3);
      await store.append(order, past.slice(0, 2), 0);
      await store.append(order, past.slice(2), 2);
      expect(await all(store.readStream(order))).toEqual(past);
      expect(await store.versionOf(order)).toBe(3);
    });

    it('knows nothing of a stream that is not there', async () => {
      const store = await harness.open();
      expect(await all(store.readStream(order))).toEqual([]);
      expect(await store.versionOf(order)).toBe(0);
      expect(await all(store.readAll())).toEqual([]);
    });

    it('reads a stream from a version on', async () => {
      const store = await harness.open();
      await store.append(order, pastOf(order, 1, 5), 0);
      expect((await all(store.readStream(order, 4))).map((event) => event.aggregateVersion)).toEqual([4, 5]);
      expect(await all(store.readStream(order, 6))).toEqual([]);
    });

    it('keeps streams of one id and two types apart', async () => {
      const store = await harness.open();
      const other = { ...order, aggregateType: 'Other' };
      await store.append(order, pastOf(order, 1, 2), 0);
      await store.append(other, pastOf(other, 1, 1), 0);
      expect(await store.versionOf(order)).toBe(2);
      expect(await store.versionOf(other)).toBe(1);
      await expect(store.append(other, pastOf(order, 2, 2), 1)).rejects.toBeInstanceOf(EventStreamError);
    });

    it('reads all streams in the order of storing, from a position on', async () => {
      const store = await harness.open();
      const second = { ...order, aggregateId: 'second' };
      const stored = [...pastOf(order, 1, 1), ...pastOf(second, 1, 2), ...pastOf(order, 2, 2)];
      await store.append(order, stored.slice(0, 1), 0);
      await store.append(second, stored.slice(1, 3), 0);
      await store.append(order, stored.slice(3), 1);
      const read = await all(store.readAll());
      expect(idsOf(read.map(({ event }) => event))).toEqual(idsOf(stored));
      expect(read.every(({ position }, at) => position > (read[at - 1]?.position ?? 0))).toBe(true);
      expect(await all(store.readAll(read[1]!.position))).toEqual(read.slice(2));
      expect(await all(store.readAll(read[3]!.position))).toEqual([]);
    });

    it('refuses what follows another version, and says which', async () => {
      const store = await harness.open();
      await store.append(order, pastOf(order, 1, 2), 0);
      const late = store.append(order, pastOf(order, 2, 2), 1);
      await expect(late).rejects.toBeInstanceOf(OptimisticLockError);
      await expect(late).rejects.toMatchObject({ expected: 1, actual: 2, stream: order });
      const early = store.append(order, pastOf(order, 6, 6), 5);
      await expect(early).rejects.toMatchObject({ name: 'OptimisticLockError', expected: 5, actual: 2 });
      expect(await store.versionOf(order)).toBe(2);
    });

    it('lets one of several at once win', async () => {
      const store = await harness.open();
      const tries = Array.from({ length: 8 }, () => store.append(order, pastOf(order, 1, 2), 0));
      const results = await Promise.allSettled(tries);
      expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
      for (const result of results)
        if (result.status === 'rejected') expect(result.reason).toBeInstanceOf(OptimisticLockError);
      expect(await all(store.readAll())).toHaveLength(2);
    });

    it('takes an append that is repeated for done', async () => {
      const store = await harness.open();
      const events = pastOf(order, 1, 2);
      await store.append(order, events, 0);
      await store.append(order, events, 0);
      await store.append(order, pastOf(order, 3, 3), 2);
      await store.append(order, events, 0);
      expect(await store.versionOf(order)).toBe(3);
      const changed = [events[0]!, ...pastOf(order, 2, 2)];
      await expect(store.append(order, changed, 0)).rejects.toBeInstanceOf(OptimisticLockError);
    });

    it('stores all of an append or nothing', async () => {
      const store = await harness.open();
      const [first, second, third] = pastOf(order, 1, 3) as [DomainEvent, DomainEvent, DomainEvent];
      const foreign = pastOf({ ...order, aggregateId: 'foreign' }, 2, 2);
      for (const broken of [
        [first, third],
        [first, { ...second, eventId: first.eventId }],
        [first, ...foreign],
        [second],
      ])
        await expect(store.append(order, broken, 0)).rejects.toBeInstanceOf(EventStreamError);
      expect(await all(store.readAll())).toEqual([]);
    });

    it('refuses an id that another stream has', async () => {
      const store = await harness.open();
      const [taken] = pastOf(order, 1, 1);
      await store.append(order, [taken!], 0);
      const second = { ...order, aggregateId: 'second' };
      const [next] = pastOf(second, 1, 1);
      await expect(store.append(second, [{ ...next!, eventId: taken!.eventId }], 0)).rejects.toBeInstanceOf(
        EventStreamError,
      );
      expect(await store.versionOf(second)).toBe(0);
    });

    it('refuses versions that are none, and appends nothing when asked to', async () => {
      const store = await harness.open();
      for (const version of [-1, 0.5, NaN])
        await expect(store.append(order, [], version)).rejects.toMatchObject({ code: 'CONFIGURATION' });
      await store.append(order, [], 0);
      expect(await store.versionOf(order)).toBe(0);
    });

    it('holds what a plain list would hold, whatever is appended', async () => {
      const store = await harness.open();
      const random = seededRandom(seed);
      const streams = ['a', 'b', 'c'].map((aggregateId) => ({ ...order, aggregateId }));
      const model = new Map(streams.map((stream) => [stream.aggregateId, [] as DomainEvent[]]));
      const storedIds: string[] = [];
      for (let turn = 0; turn < 200; turn++) {
        const stream = streams[Math.floor(random() * streams.length)]!;
        const past = model.get(stream.aggregateId)!;
        const expected = Math.max(0, past.length + Math.floor(random() * 3) - 1);
        const events = pastOf(stream, expected + 1, expected + 1 + Math.floor(random() * 3));
        const appended = store.append(stream, events, expected);
        if (expected === past.length) {
          await appended;
          past.push(...events);
          storedIds.push(...idsOf(events));
        } else await expect(appended).rejects.toBeInstanceOf(OptimisticLockError);
      }
      for (const stream of streams)
        expect(idsOf(await all(store.readStream(stream)))).toEqual(idsOf(model.get(stream.aggregateId)!));
      expect(idsOf((await all(store.readAll())).map(({ event }) => event))).toEqual(storedIds);
    });
  });
}

const order: StreamId = { aggregateType: 'Counter', aggregateId: 'first' };

const idsOf = (events: readonly DomainEvent[]): string[] => events.map(({ eventId }) => eventId);

async function all<T>(source: AsyncIterable<T>): Promise<T[]> {
  const items: T[] = [];
  for await (const item of source) items.push(item);
  return items;
}

/** Events of that stream with these versions. */
function pastOf(stream: StreamId, from: number, to: number): DomainEvent[] {
  const { aggregateType, aggregateId } = stream;
  return counted(to - from + 1).map((event, at) =>
    Object.freeze({ ...event, aggregateType, aggregateId, aggregateVersion: from + at }),
  );
}
