import { expect, test } from 'vitest';
import type { IncomingRecord } from '../../src/transports/kafka/driver.ts';
import { Unread } from '../../src/transports/kafka/unread.ts';

const records = (...offsets: number[]): IncomingRecord[] =>
  offsets.map((offset) => ({ key: null, value: null, headers: {}, offset }) as unknown as IncomingRecord);

function takeAll(unread: Unread): [offset: number, next: number][] {
  const taken: [number, number][] = [];
  for (let first = unread.peek(); first !== undefined; first = unread.peek()) {
    taken.push([first.offset, first.next]);
    unread.drop();
  }
  return taken;
}

test('gives back several fetches in order, and where each of them goes on', () => {
  const unread = new Unread();
  unread.add(records(0, 1), 5);
  unread.add([], 7);
  unread.add(records(7), 8);
  expect(unread.count).toBe(3);
  // What a compacted log or a transaction leaves out lies behind the last record of its fetch.
  expect(takeAll(unread)).toEqual([
    [0, 1],
    [1, 5],
    [7, 8],
  ]);
  expect(unread.count).toBe(0);
});

test('begins afresh after it was cleared in the middle of a fetch', () => {
  const unread = new Unread();
  unread.add(records(0, 1, 2), 3);
  unread.drop();
  unread.clear();
  expect(unread.peek()).toBeUndefined();
  unread.add(records(0), 1);
  expect(takeAll(unread)).toEqual([[0, 1]]);
});
