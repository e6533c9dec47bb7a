import { seededRandom } from '../../src/testing/random.ts';

/** The variable that repeats a run: `BUSCHART_SEED=123 npm test`. The reporter prints its value when a test fails. */
export const seedVariable = 'BUSCHART_SEED';

/**
 * This run's seed: an integer from 0 to 2 ** 31 - 1, the same in every worker.
 * Hand it to fast-check as `fc.assert(property, { seed: runSeed() })`.
 * @throws {Error} when the variable holds something else.
 */
export function runSeed(): number {
  const text = process.env[seedVariable];
  if (text === undefined || !/^\d{1,10}$/.test(text) || Number(text) > 0x7fff_ffff) {
    throw new Error(`${seedVariable} must be an integer from 0 to 2147483647, not ${text ?? 'unset'}`);
  }
  return Number(text);
}

/** Random numbers that this run's seed repeats. `salt` keeps the streams of two tests apart. */
export function runRandom(salt = 0): () => number {
  return seededRandom(runSeed() ^ salt);
}
