import type { Redis, RedisOptions } from 'ioredis';
import { DriverMissingError } from '../../errors.ts';

/** The part of the ioredis module that is used. */
export interface RedisDriver {
  readonly Redis: { new (url: string, options: RedisOptions): Redis };
}

/** @throws {DriverMissingError} when ioredis isn't installed. */
export async function loadDriver(): Promise<RedisDriver> {
  try {
    return await import('ioredis');
  } catch (error) {
    throw new DriverMissingError('ioredis', error);
  }
}
