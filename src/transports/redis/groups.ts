import type { Redis } from 'ioredis';
import type { Ledger } from './ledger.ts';
import { isServerAnswer } from './server-errors.ts';

/**
 * Makes the group on each stream where it is missing, from the first entry on: entries may have been added before the
 * group was. Returns how many were made.
 */
export async function ensureGroup(redis: Redis, { streams, group }: Ledger): Promise<number> {
  const made = await Promise.all(
    streams.map(({ stream }) =>
      redis.xgroup('CREATE', stream, group, '0', 'MKSTREAM').then(
        () => 1,
        (error: unknown) => {
          if (isServerAnswer(error) && error.message.startsWith('BUSYGROUP')) return 0;
          throw error;
        },
      ),
    ),
  );
  return made.reduce<number>((sum, one) => sum + one, 0);
}
