import { describe, expect, it } from 'vitest';
import type { Message } from '../../src/contracts/message.ts';
import type { Delivery, Source } from '../../src/contracts/transport.ts';
import type { TransportNotice } from '../../src/contracts/transport-notice.ts';
import { ConfigurationError } from '../../src/errors.ts';
import { MemoryBroker } from '../../src/transports/memory/broker.ts';
import { MemoryTransport } from '../../src/transports/memory/transport.ts';

const message = (id: number): Message => ({
  id: String(id),
  type: 'Pinged',
  key: 'ball',
  attributes: {},
  headers: {},
  body: '{}',
});

function append(broker: MemoryBroker, from: number, to: number): void {
  for (let id = from; id <= to; id++) broker.append(message(id));
}

async function consumer(broker: MemoryBroker) {
  const connection = await new MemoryTransport(broker, true).connect();
  const notices: TransportNotice[] = [];
  const source = connection.subscribe({
    group: 'readers',
    consumer: 'one',
    interest: { isEverything: true, types: [] },
    notice: (notice) => notices.push(notice),
  });
  return { connection, source, notices };
}

async function read(source: Source, count: number): Promise<string[]> {
  const read: Delivery[] = [];
  for await (const batch of source) {
    read.push(...batch);
    for (const delivery of batch) delivery.ack();
    if (read.length >= count) break;
  }
  return read.map(({ message: { id } }) => id);
}

describe('a memory broker', () => {
  it('keeps the newest events for a group that nobody consumes any more, and tells how many it lost', async () => {
    const broker = new MemoryBroker({ maxRetained: 3 });
    const gone = await consumer(broker);
    await gone.connection.close();
    append(broker, 1, 10);
    const { connection, source, notices } = await consumer(broker);
    expect(await connection.info('readers')).toMatchObject({ lag: 3, length: 3 });
    expect(notices).toEqual([{ kind: 'trimmed', count: 7, detail: expect.stringContaining('"readers"') }]);
    expect(await read(source, 3)).toEqual(['8', '9', '10']);
    await connection.close();
    const next = await consumer(broker);
    expect(next.notices).toEqual([]);
    await next.connection.close();
  });

  it('keeps the newest events for a group that comes later', async () => {
    const broker = new MemoryBroker({ maxRetained: 3 });
    append(broker, 1, 10);
    const { connection, source } = await consumer(broker);
    expect(await read(source, 3)).toEqual(['8', '9', '10']);
    await connection.close();
  });

  it('loses nothing of a group that somebody consumes, however far behind', async () => {
    const broker = new MemoryBroker({ maxRetained: 3 });
    const { connection, source, notices } = await consumer(broker);
    source.pause();
    append(broker, 1, 1000);
    source.resume();
    expect(await read(source, 1000)).toHaveLength(1000);
    expect(notices).toEqual([]);
    await connection.close();
  });

  it('makes no group when it is asked about one', async () => {
    const broker = new MemoryBroker();
    const connection = await new MemoryTransport(broker, true).connect();
    append(broker, 1, 2);
    expect(await connection.info('nobody')).toEqual({
      length: 2,
      pendingMessages: 0,
      dlqMessages: 0,
      consumers: 0,
      lag: 0,
    });
    expect(broker.find('nobody')).toBeUndefined();
    await connection.close();
  });

  it.each([{ maxRetained: -1 }, { maxRetained: 1.5 }, { maxDeadLetters: 0 }])('refuses %j', (options) => {
    expect(() => new MemoryBroker(options)).toThrow(ConfigurationError);
  });
});
