import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { builtVariable } from '../test/support/built.ts';
import { countsVariable, type Counts } from '../test/support/reporter.ts';
import { bounded } from './bounded.ts';

/**
 * `npm test`: everything that must hold, in the order in which it is cheapest to learn that it doesn't. All steps run
 * also after one failed. Arguments go to vitest, such as a part of a file name. The last line counts steps and tests.
 */

interface Step {
  readonly name: string;
  readonly command: readonly [file: string, ...args: string[]];
}

const steps: Step[] = [
  // First, because the examples import the package by its name: their types are those of dist.
  { name: 'build', command: ['npm', 'run', '--silent', 'build'] },
  { name: 'format', command: ['npm', 'run', '--silent', 'format:check'] },
  { name: 'lint', command: ['npm', 'run', '--silent', 'lint'] },
  { name: 'types', command: ['npm', 'run', '--silent', 'types'] },
];
// CI sets it: the tests that need no broker, on the newest Node that we promise.
if (process.env['BUSCHART_NODE24'] === '1') {
  steps.push({
    name: 'tests without a broker on Node 24',
    command: ['npm', 'run', '--silent', 'test:node24'],
  });
}

// It fetches TypeDoc and a TypeScript that has the interface it needs.
if (process.env['BUSCHART_DOCS'] === '1')
  steps.push({ name: 'API reference', command: ['npm', 'run', '--silent', 'docs'] });

// Minutes of two cores: CI sets it.
if (process.env['BUSCHART_MUTANTS'] === '1')
  steps.push({ name: 'seeded faults', command: ['npm', 'run', '--silent', 'test:mutants'] });

/** What hangs is to fail here, where it is told what hangs, and not with the machine that ran it. */
const MOST_OF_A_STEP_MS = 10 * 60_000;
const MOST_OF_TESTS_MS = 60 * 60_000;

const root = dirname(dirname(fileURLToPath(import.meta.url)));
// The build is a step of its own; a broken one shouldn't be tried again by every run of vitest.
process.env[builtVariable] = '1';
const summary: string[] = [];
let passed = 0;
let failed = 0;

for (const { name, command } of steps) {
  const [file, ...args] = command;
  const started = performance.now();
  const result = await bounded(file, args, MOST_OF_A_STEP_MS, { cwd: root, all: true });
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  if (result.failed) {
    failed += 1;
    const why = result.isTimeUp ? `'s time is up` : ' failed';
    console.log(`\n${name}${why}:\n${result.all}\n`);
  } else passed += 1;
  report(result.failed ? 'FAILED' : 'ok', name, `${seconds} s`);
}

const folder = mkdtempSync(join(tmpdir(), 'buschart-test-'));
const countsFile = join(folder, 'counts.json');
const vitest = await bounded('vitest', ['run', ...process.argv.slice(2)], MOST_OF_TESTS_MS, {
  cwd: root,
  env: { [countsVariable]: countsFile },
  stdout: 'inherit',
  stderr: 'inherit',
});
if (vitest.isTimeUp) console.log('The time of the tests is up: they were ended.');
const counts = readCounts();
rmSync(folder, { recursive: true });
passed += counts.passed;
// A run that broke before it could count, or that found no test at all, must not look green.
failed += counts.failed === 0 && vitest.failed ? 1 : counts.failed;
const detail = `${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped`;
report(vitest.failed || counts.failed > 0 ? 'FAILED' : 'ok', 'tests', detail);

console.log(`\n${summary.join('\n')}\n`);
process.exitCode = failed === 0 ? 0 : 1;
console.log(`${passed} passed, ${failed} failed`);

function report(outcome: 'ok' | 'FAILED', name: string, detail: string): void {
  const line = `${outcome.padEnd(6)}  ${name} (${detail})`;
  summary.push(line);
  console.log(line);
}

function readCounts(): Counts {
  try {
    return JSON.parse(readFileSync(countsFile, 'utf8')) as Counts;
  } catch {
    return { passed: 0, failed: 0, skipped: 0 };
  }
}
