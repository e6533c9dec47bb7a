import { join } from 'node:path';

/** Of the repository. */
export const ROOT = join(import.meta.dirname, '../..');

/** One seeded fault: a text of one file that is replaced in memory while tests run. */
export interface Fault {
  /** What it breaks, as a short sentence. */
  readonly name: string;
  /** From the root of the repository. */
  readonly file: string;
  /** Stands in the file exactly once. */
  readonly from: string;
  readonly to: string;
  /** Files of tests that must notice it. */
  readonly tests: readonly string[];
}

/** Makes faults of one file; `tests` are those that notice each, unless a fault names its own. */
export const faultsOf =
  (file: string, ...tests: readonly string[]) =>
  (name: string, from: string, to: string, ...own: readonly string[]): Fault => ({
    name,
    file,
    from,
    to,
    tests: own.length > 0 ? own : tests,
  });

/** @throws {Error} when the text doesn't stand there exactly once, so that a fault can't rot unnoticed. */
export function withFault(text: string, { name, file, from, to }: Omit<Fault, 'tests'>): string {
  const times = text.split(from).length - 1;
  if (times !== 1)
    throw new Error(`The fault "${name}" must match once in ${file}, and matches ${times} times.`);
  return text.replace(from, () => to);
}
