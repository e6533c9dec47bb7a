import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT, withFault, type Fault } from './fault.ts';
import { WarmTests } from './warm-tests.ts';

const RUNS_AT_ONCE = 2;
/** All tests without a fault, one file after another. */
const MOST_SOUND_MS = 180_000;
/** A fault may make a test loop for ever, which no timer of that process ends. */
const MOST_MS = 25_000;

export interface Verdict {
  readonly fault: Fault;
  /** The test that failed; undefined if none did. */
  readonly killedBy: string | undefined;
  /** Nothing it expects was wrong: it waited for what never came, or looped for ever. */
  readonly isTimeOut: boolean;
  readonly seconds: number;
}

/**
 * Runs the tests of each fault with that fault in, two at a time; verdicts come in order of the faults.
 * @throws {Error} when a fault no longer matches its file, before anything runs; or when the tests fail without any:
 *   one that fails anyway would seem to notice every fault.
 */
export async function judge(
  faults: readonly Fault[],
  told: (verdict: Verdict) => void = () => undefined,
): Promise<Verdict[]> {
  for (const fault of faults) withFault(readFileSync(join(ROOT, fault.file), 'utf8'), fault);
  const verdicts: Verdict[] = [];
  const untried = new Set(faults.flatMap(({ tests }) => tests)).values();
  const left = faults.entries();
  const runs = Array.from({ length: RUNS_AT_ONCE }, () => new WarmTests());
  try {
    await Promise.all(runs.map((tests) => requireSound(tests, untried)));
    await Promise.all(
      runs.map(async (tests) => {
        for (const [at, fault] of left) {
          const verdict = await judgeOne(tests, fault);
          verdicts[at] = verdict;
          told(verdict);
        }
      }),
    );
  } finally {
    for (const tests of runs) tests.close();
  }
  return verdicts;
}

async function requireSound(tests: WarmTests, untried: Iterable<string>): Promise<void> {
  for (const file of untried) {
    const answer = await tests.run({ fault: undefined, tests: [file] }, MOST_SOUND_MS);
    const failed = answer === undefined ? 'their time is up' : (answer.failed ?? answer.broken);
    if (failed !== undefined) throw new Error(`The tests fail without any fault: ${failed}`);
  }
}

async function judgeOne(tests: WarmTests, fault: Fault): Promise<Verdict> {
  const started = performance.now();
  const answer = await tests.run({ fault, tests: fault.tests }, MOST_MS);
  const seconds = (performance.now() - started) / 1000;
  if (answer === undefined) return { fault, killedBy: 'a test that never ends', isTimeOut: true, seconds };
  // Tests that can't even be loaded prove nothing, but for that the fault was badly written.
  if (answer.broken !== undefined)
    throw new Error(`The fault "${fault.name}" ends its tests without a failed one:\n${answer.broken}`);
  return { fault, killedBy: answer.failed, isTimeOut: answer.isTimeOut, seconds };
}
