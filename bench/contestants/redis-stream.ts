import { Redis } from 'ioredis';
import { wireFields, type Order } from './orders.ts';

/** An entry as XREADGROUP and XRANGE answer it. */
export type Entry = readonly [id: string, fields: readonly string[]];

/** A client as one writes it by hand: all settings are ioredis' own. */
export const openRedis = (url: string): Redis => new Redis(url);

export const GROUP = 'bench';

/** Appends orders as one does it by hand, a hundred at once. */
export async function append(redis: Redis, stream: string, orders: readonly Order[]): Promise<void> {
  const pipeline = redis.pipeline();
  for (const order of orders) pipeline.xadd(stream, '*', ...wireFields(order));
  for (const [error] of (await pipeline.exec()) ?? []) if (error !== null) throw error;
}

/** The lists of so many that an array falls into. */
export function* chunks<T>(list: readonly T[], size: number): Generator<readonly T[]> {
  for (let at = 0; at < list.length; at += size) yield list.slice(at, at + size);
}

/** Reads new entries of the group, at most so many, and waits for the first if `blockMs` is given. */
export async function readNew(
  redis: Redis,
  stream: string,
  count: number,
  blockMs?: number,
): Promise<readonly Entry[]> {
  const reply = await (blockMs === undefined
    ? redis.xreadgroup('GROUP', GROUP, 'bare', 'COUNT', count, 'STREAMS', stream, '>')
    : redis.xreadgroup('GROUP', GROUP, 'bare', 'COUNT', count, 'BLOCK', blockMs, 'STREAMS', stream, '>'));
  return (reply as [string, Entry[]][] | null)?.[0]?.[1] ?? [];
}

/** The order that an entry holds, as far as a loop written by hand looks at it. */
export function orderIn([, fields]: Entry): Pick<Order, 'index'> {
  return JSON.parse(fields[fields.indexOf('payload') + 1] as string) as Order;
}

/** Resolves once nothing that the group was given waits for its ack. */
export async function allAcked(redis: Redis, stream: string, group: string): Promise<void> {
  for (;;) {
    const [pending] = (await redis.xpending(stream, group)) as [number];
    if (pending === 0) return;
  }
}
