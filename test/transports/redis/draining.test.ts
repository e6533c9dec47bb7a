import { setTimeout as pause } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { FaultProxy } from '../../../src/testing/proxy.ts';
import { type Bench, consume, message, redisBinary, startBreakableRedis } from './port.ts';

describe.skipIf(redisBinary === undefined)('a drain that loses its connection to Redis', () => {
  let bench: Bench;
  let proxy: FaultProxy;
  let redisUrl: string;
  let stop: () => Promise<void>;
  beforeEach(async () => ({ bench, proxy, redisUrl, stop } = await startBreakableRedis()));
  afterEach(() => stop());

  /** A consumer that reads no more, with one event in hand, and without a connection. */
  async function cutOff(pendingIdleMs: number) {
    const transport = bench.transport({ redisUrl, pendingIdleMs });
    const connection = await bench.connect(transport);
    const { source, received } = consume(connection, { consumer: 'c~00000001' });
    await connection.publish([message('1')]);
    const [delivery] = await received(1);
    await source.stop();
    proxy.set('rst');
    await connection.closed;
    return { transport, source, delivery: delivery! };
  }

  it('waits until what it acknowledged is stored over the next, and gives up its place there', async () => {
    const { transport, source, delivery } = await cutOff(60_000);
    delivery.ack();
    let isClosed = false;
    const closing = source.close().then(() => (isClosed = true));
    await pause(50);
    expect(isClosed).toBe(false);
    proxy.heal();
    await bench.connect(transport);
    await closing;
    expect(await bench.pending()).toBe(0);
    expect(await bench.redis.keys(`${bench.prefix}:hb:*`)).toEqual([]);
  });

  it('keeps what still runs, over the next connection, from being taken by others', async () => {
    const { transport, source, delivery } = await cutOff(600);
    proxy.heal();
    await bench.connect(transport);
    const other = consume(await bench.connect());
    await pause(2000);
    expect(other.deliveries).toEqual([]);
    delivery.ack();
    await source.close();
    expect(await bench.pending()).toBe(0);
  });

  it('leaves what it could not give back to the next source of its name', async () => {
    const { transport, source, delivery } = await cutOff(60_000);
    await expect(delivery.release()).rejects.toThrow('Could not release');
    await source.close();
    proxy.heal();
    const next = consume(await bench.connect(transport), { consumer: 'c~00000001' });
    expect((await next.received(1))[0]?.deliveryCount).toBe(2);
  });
});
