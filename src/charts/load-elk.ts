import type { ELK } from 'elkjs/lib/elk.bundled.js';
import { DriverMissingError } from '../errors.ts';

/** @throws {DriverMissingError} when elkjs isn't installed. */
export async function loadElk(): Promise<ELK> {
  try {
    // The bundled build lays out in this thread and starts no worker.
    const { default: driver } = await import('elkjs/lib/elk.bundled.js');
    return new driver.default();
  } catch (error) {
    throw new DriverMissingError('elkjs', error);
  }
}
