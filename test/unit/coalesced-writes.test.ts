import { Writable } from 'node:stream';
import { expect, test } from 'vitest';
import { coalesceWrites } from '../../src/transports/rabbitmq/coalesced-writes.ts';

/** A socket that notes how many chunks each call to the system carries. */
function noting(): { readonly socket: Writable; readonly calls: string[][] } {
  const calls: string[][] = [];
  const socket = new Writable({
    write(chunk: Buffer, _encoding, done) {
      calls.push([chunk.toString()]);
      done();
    },
    writev(chunks, done) {
      calls.push(chunks.map(({ chunk }) => (chunk as Buffer).toString()));
      done();
    },
  });
  return { socket, calls };
}

const turn = () => new Promise((resolve) => setImmediate(resolve));

test('sends what is written in one turn in one call, in its order', async () => {
  const { socket, calls } = noting();
  coalesceWrites(socket);
  for (const text of ['a', 'b', 'c']) socket.write(text);
  expect(calls).toEqual([]);
  await turn();
  expect(calls).toEqual([['a', 'b', 'c']]);
});

test('sends what comes in a later turn by itself, and says when there is no room', async () => {
  const { socket, calls } = noting();
  coalesceWrites(socket);
  socket.write('a');
  await turn();
  expect(socket.write(Buffer.alloc(socket.writableHighWaterMark))).toBe(false);
  await turn();
  expect(calls).toHaveLength(2);
  expect(socket.writableNeedDrain).toBe(false);
});

test('leaves nothing behind when the socket ends in the same turn', async () => {
  const { socket, calls } = noting();
  coalesceWrites(socket);
  socket.write('a');
  socket.end('b');
  await turn();
  expect(calls.flat()).toEqual(['a', 'b']);
});
