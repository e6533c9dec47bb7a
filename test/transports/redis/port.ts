import { randomBytes } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { inspect } from 'node:util';
import { Redis } from 'ioredis';
import pino from 'pino';
import { inject } from 'vitest';
import type { Message } from '../../../src/contracts/message.ts';
import type { Delivery, Source } from '../../../src/contracts/transport.ts';
import type { TransportNotice } from '../../../src/contracts/transport-notice.ts';
import type { RedisConnection } from '../../../src/transports/redis/connection.ts';
import { redisTransport } from '../../../src/transports/redis/transport.ts';
import type { RedisTransport } from '../../../src/transports/redis/transport.ts';
import type { RedisTransportOptions } from '../../../src/transports/redis/options.ts';
import { startProxy } from '../../../src/testing/proxy.ts';
import { startRedisServer } from '../../../brokers/redis-server.ts';
import type { RedisServer } from '../../../brokers/redis-server.ts';

/** Undefined where no `redis-server` is on the PATH: then these tests say that they didn't run. */
export const redisBinary = inject('redisServer');

/** Loses nothing that it has acknowledged, also when killed. */
export function startDurableRedis(args: readonly string[] = []): Promise<RedisServer> {
  return startRedisServer(redisBinary ?? 'redis-server', { persistence: 'always', args });
}

/** One of those, and a way to it that can be broken. */
export async function startBreakableRedis() {
  const server = await startDurableRedis();
  const bench = new Bench(server.url);
  const proxy = await startProxy({ host: '127.0.0.1', port: server.port });
  return {
    server,
    bench,
    proxy,
    /** By that way. */
    redisUrl: `redis://127.0.0.1:${proxy.port}`,
    async stop(): Promise<void> {
      await bench.close();
      await proxy.close();
      await server.stop();
    },
  };
}

/** A bare client beside ours. It outlives restarts of the server. */
export function bareClient(url: string): Redis {
  const redis = new Redis(url, { maxRetriesPerRequest: null, retryStrategy: () => 50 });
  redis.on('error', () => undefined);
  return redis;
}

export function message(id: string, overrides: Partial<Message> = {}): Message {
  return {
    id,
    type: 'OrderCreated',
    key: `key-${id}`,
    attributes: { aggregateType: 'Order', occurredAt: '2026-01-02T03:04:05+00:00' },
    headers: {},
    body: JSON.stringify({ id }),
    ...overrides,
  };
}

/** All that a console and pino print of an error. */
export const printed = (error: unknown): string =>
  inspect(error, { depth: 10 }) + JSON.stringify(pino.stdSerializers.errWithCause(error as Error));

/** Polls, since a server tells of nothing by itself. */
export async function eventually<T>(
  read: () => T | Promise<T>,
  holds: (value: T) => boolean,
  limitMs = 10_000,
): Promise<T> {
  const end = performance.now() + limitMs;
  for (;;) {
    const value = await read();
    if (holds(value)) return value;
    if (performance.now() > end) throw new Error(`Still ${JSON.stringify(value)} after ${limitMs} ms`);
    await pause(10);
  }
}

/** A consumer at the port: collects what it is handed, and settles nothing by itself. */
export interface TestConsumer {
  readonly source: Source;
  readonly deliveries: Delivery[];
  /** Those worth a line in the log. */
  readonly notices: TransportNotice[];
  readonly largestBatch: number;
  /** Settles when the iteration ends: with what it threw, or undefined. */
  readonly ended: Promise<unknown>;
  /** Waits until so many were delivered in all. */
  received(count: number): Promise<readonly Delivery[]>;
}

export function consume(
  connection: RedisConnection,
  options: { group?: string; consumer?: string; onDelivery?: (delivery: Delivery) => void } = {},
): TestConsumer {
  const deliveries: Delivery[] = [];
  const notices: TransportNotice[] = [];
  const source = connection.subscribe({
    group: options.group ?? 'g',
    consumer: options.consumer ?? incarnation('c'),
    interest: { isEverything: true, types: [] },
    notice: (notice) => void (notice.isRepeated === true || notices.push(notice)),
  });
  let largestBatch = 0;
  const iterate = async (): Promise<unknown> => {
    try {
      for await (const batch of source) {
        largestBatch = Math.max(largestBatch, batch.length);
        for (const delivery of batch) {
          deliveries.push(delivery);
          options.onDelivery?.(delivery);
        }
      }
      return undefined;
    } catch (error) {
      return error;
    }
  };
  const ended = iterate();
  return {
    source,
    deliveries,
    notices,
    get largestBatch() {
      return largestBatch;
    },
    ended,
    received: async (count) => {
      await eventually(
        () => deliveries.length,
        (length) => length >= count,
      );
      return deliveries;
    },
  };
}

export function incarnation(name: string): string {
  return `${name}~${randomBytes(4).toString('hex')}`;
}

/** Opens transports on prefixes of their own and closes all of them again. */
export class Bench {
  readonly url: string;
  readonly prefix = `t${randomBytes(4).toString('hex')}`;
  readonly stream = `${this.prefix}:stream`;
  readonly redis: Redis;
  readonly #connections: RedisConnection[] = [];

  constructor(url: string) {
    this.url = url;
    this.redis = bareClient(url);
  }

  transport(options: RedisTransportOptions = {}): RedisTransport {
    return redisTransport({
      redisUrl: this.url,
      streamPrefix: this.prefix,
      blockMs: 200,
      pendingIdleMs: 600,
      ...options,
    });
  }

  async connect(transport: RedisTransport = this.transport()): Promise<RedisConnection> {
    const connection = await transport.connect(AbortSignal.timeout(5000));
    this.#connections.push(connection);
    return connection;
  }

  async pending(group = 'g'): Promise<number> {
    return (await this.redis.xpending(this.stream, group))[0] as number;
  }

  /** Owner and count of one pending entry. */
  async owner(id: string, group = 'g'): Promise<readonly [owner: string, count: number] | undefined> {
    const [row] = (await this.redis.xpending(this.stream, group, id, id, 1)) as [
      string,
      string,
      number,
      number,
    ][];
    return row === undefined ? undefined : [row[1], row[3]];
  }

  async close(): Promise<void> {
    await Promise.all(this.#connections.map((connection) => connection.close()));
    this.redis.disconnect();
  }
}
