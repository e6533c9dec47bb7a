import type { Redis } from 'ioredis';
import { ConfigurationError } from '../../errors.ts';

/** Redis 6.2 brought XPENDING with IDLE, exclusive ranges and XTRIM MINID. */
const OLDEST = [6, 2] as const;

/** What a server says of itself. */
export interface ServerFacts {
  readonly version: string;
  /** Changes with every start; client ids count from 1 again. */
  readonly runId: string;
  readonly isCluster: boolean;
}

export async function readServerFacts(redis: Redis): Promise<ServerFacts> {
  const info = await redis.info('server');
  const field = (name: string) => new RegExp(`^${name}:(.*?)\\r?$`, 'm').exec(info)?.[1] ?? '';
  return {
    version: field('redis_version'),
    runId: field('run_id'),
    isCluster: field('redis_mode') === 'cluster',
  };
}

/** @throws {ConfigurationError} when the server is too old, or a cluster without one slot for all keys. */
export function checkServer(facts: ServerFacts, hasHashTag: boolean): void {
  const [major = 0, minor = 0] = facts.version.split('.').map(Number);
  if (major < OLDEST[0] || (major === OLDEST[0] && minor < OLDEST[1])) {
    throw new ConfigurationError(
      `Redis ${facts.version} is too old: Buschart needs ${OLDEST.join('.')} or newer.`,
    );
  }
  if (facts.isCluster && !hasHashTag) {
    throw new ConfigurationError(
      'Redis option "streamPrefix": on a cluster it needs a hash tag, such as "{events}", so that all keys lie in one slot.',
    );
  }
}
