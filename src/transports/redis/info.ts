import type { Redis } from 'ioredis';
import type { ConnectionInfo } from '../../contracts/transport.ts';
import { RELEASED } from './names.ts';
import type { RedisNames } from './names.ts';
import { isServerAnswer } from './server-errors.ts';

/** A group of the main stream. */
export interface RedisGroupInfo {
  readonly name: string;
  /** Without the one that given-back entries are parked under. */
  readonly consumers: number;
  readonly pending: number;
  /** Entries not handed out yet; undefined before Redis 7.0 and where entries were deleted. */
  readonly lag: number | undefined;
}

/** Redis' own details of a destination; zeros and no ids while the bus isn't connected. */
export interface RedisStreamInfo {
  readonly connected: boolean;
  readonly stream: {
    readonly name: string;
    readonly length: number;
    readonly firstEntryId: string | undefined;
    readonly lastEntryId: string | undefined;
  };
  readonly consumerGroups: readonly RedisGroupInfo[];
  /** Of all groups. */
  readonly pendingMessages: number;
  /** Of all groups. */
  readonly dlqMessages: number;
  /** Of all groups. */
  readonly activeConsumers: number;
}

/** What the port asks for, but for the dead letters; pending counts the group's replays too. */
export async function groupInfo(
  redis: Redis,
  names: RedisNames,
  group: string | undefined,
): Promise<Omit<ConnectionInfo, 'dlqMessages'>> {
  const [length, groups, replays] = await Promise.all([
    redis.xlen(names.stream),
    readGroups(redis, names.stream),
    group === undefined ? [] : readGroups(redis, names.replays(group)),
  ]);
  const own = groups.find((info) => info.name === group);
  const replayed = replays.find((info) => info.name === group);
  return {
    length,
    pendingMessages: (own?.pending ?? 0) + (replayed?.pending ?? 0),
    consumers: own?.consumers ?? 0,
    lag: own?.lag,
  };
}

export async function streamInfo(redis: Redis, names: RedisNames): Promise<RedisStreamInfo> {
  const [length, dlqMessages, consumerGroups, first, last] = await Promise.all([
    redis.xlen(names.stream),
    redis.xlen(names.deadLetters),
    readGroups(redis, names.stream),
    redis.xrange(names.stream, '-', '+', 'COUNT', 1),
    redis.xrevrange(names.stream, '+', '-', 'COUNT', 1),
  ]);
  return {
    connected: true,
    stream: { name: names.stream, length, firstEntryId: first[0]?.[0], lastEntryId: last[0]?.[0] },
    consumerGroups,
    pendingMessages: sum(consumerGroups, (group) => group.pending),
    dlqMessages,
    activeConsumers: sum(consumerGroups, (group) => group.consumers),
  };
}

export function disconnectedInfo(names: RedisNames): RedisStreamInfo {
  return {
    connected: false,
    stream: { name: names.stream, length: 0, firstEntryId: undefined, lastEntryId: undefined },
    consumerGroups: [],
    pendingMessages: 0,
    dlqMessages: 0,
    activeConsumers: 0,
  };
}

async function readGroups(redis: Redis, stream: string): Promise<RedisGroupInfo[]> {
  try {
    const groups = ((await redis.xinfo('GROUPS', stream)) as unknown[][]).map(fromPairs);
    return await Promise.all(
      groups.map(async (group) => {
        const name = group.get('name') as string;
        const consumers = ((await redis.xinfo('CONSUMERS', stream, name)) as unknown[][]).map(fromPairs);
        return {
          name,
          consumers: consumers.filter((consumer) => consumer.get('name') !== RELEASED).length,
          pending: group.get('pending') as number,
          lag: (group.get('lag') as number | null | undefined) ?? undefined,
        };
      }),
    );
  } catch (error) {
    // Nothing was published or consumed yet, or the stream was deleted just now.
    if (isServerAnswer(error) && /no such key|NOGROUP/i.test(error.message)) return [];
    throw error;
  }
}

function fromPairs(flat: readonly unknown[]): Map<unknown, unknown> {
  const map = new Map<unknown, unknown>();
  for (let i = 0; i + 1 < flat.length; i += 2) map.set(flat[i], flat[i + 1]);
  return map;
}

function sum(groups: readonly RedisGroupInfo[], of: (group: RedisGroupInfo) => number): number {
  return groups.reduce((total, group) => total + of(group), 0);
}
