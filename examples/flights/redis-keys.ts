import { Redis } from 'ioredis';

/** Removes every key of one run, and no other: `prefix` is unique to it. Returns how many there were. */
export async function removeKeys(redisUrl: string, prefix: string): Promise<number> {
  const redis = new Redis(redisUrl, {
    lazyConnect: true,
    maxRetriesPerRequest: 1,
    retryStrategy: () => null,
  });
  // Without a listener ioredis prints every connection error; connect() rejects with it anyway.
  redis.on('error', () => undefined);
  try {
    await redis.connect();
    let removed = 0;
    for await (const keys of redis.scanStream({ match: `${prefix}*`, count: 1000 }) as AsyncIterable<
      string[]
    >) {
      if (keys.length > 0) removed += await redis.unlink(...keys);
    }
    return removed;
  } finally {
    redis.disconnect();
  }
}
