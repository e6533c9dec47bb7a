import type * as kafkajs from 'kafkajs';
import { DriverMissingError } from '../../../errors.ts';

export type Kafkajs = Omit<typeof kafkajs, 'default'>;

/** @throws {DriverMissingError} when kafkajs isn't installed. */
export async function loadKafkajs(): Promise<Kafkajs> {
  // Its own warning of how keys are spread, which is meant for those who come from version 1.
  process.env['KAFKAJS_NO_PARTITIONER_WARNING'] ??= '1';
  try {
    const { default: driver } = await import('kafkajs');
    return driver;
  } catch (error) {
    throw new DriverMissingError('kafkajs', error);
  }
}
