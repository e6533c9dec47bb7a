import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { relative, resolve } from 'node:path';
import type { Reporter, SerializedError, TestCase, TestModule, TestSuite, Vitest } from 'vitest/node';
import type { NotTested } from './brokers.ts';
import { seedVariable } from './seed.ts';
import { judgeSkips } from './skips.ts';

/** Where {@link SkipReporter} leaves its counts for `npm test`; unset, it leaves none. */
export const countsVariable = 'BUSCHART_COUNTS';

/** `failed` includes errors outside tests and skips that no list allows. */
export interface Counts {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

/**
 * Fails a run that skips what test/skips.json doesn't allow. Ends with what wasn't tested, what failed and how to repeat
 * it, since a log of half an hour is often kept by its end alone.
 */
export class SkipReporter implements Reporter {
  #vitest: Vitest | undefined;
  readonly #running = new Set<string>();

  onInit(vitest: Vitest): void {
    this.#vitest = vitest;
    process.once('SIGTERM', () => {
      console.error(`Ended while these ran: ${[...this.#running].join(', ')}`);
      process.exit(143);
    });
    console.log(`Node ${process.version}, ${seedVariable}=${process.env[seedVariable]}`);
  }

  onTestModuleStart(module: TestModule): void {
    this.#running.add(module.relativeModuleId);
  }

  onTestModuleEnd(module: TestModule): void {
    this.#running.delete(module.relativeModuleId);
  }

  onTestRunEnd(modules: readonly TestModule[], errors: readonly SerializedError[]): void {
    const root = this.#vitest?.config.root ?? process.cwd();
    const tests = modules.flatMap((module) => [...module.children.allTests()]);
    const broken = modules.filter((module) => module.errors().length > 0);
    const brokenSuites = modules.flatMap((module) =>
      [...module.children.allSuites()].filter((suite) => suite.errors().length > 0),
    );
    const failedTests = tests.filter((test) => test.result().state === 'failed');
    const notTested = new Map<string, NotTested>();
    for (const module of modules) {
      for (const entry of module.project.getProvidedContext().notTested ?? [])
        notTested.set(entry.broker, entry);
    }
    const files = new Set(modules.map((module) => module.relativeModuleId));
    const report = judgeSkips(
      tests.filter((test) => test.result().state === 'skipped').map((test) => ({ id: idOf(test) })),
      JSON.parse(readFileSync(resolve(root, 'test/skips.json'), 'utf8')) as Record<string, string>,
      {
        isComplete: this.#vitest?.config.testNamePattern === undefined,
        notTested: [...notTested.values()],
        ran: (file) => (existsSync(resolve(root, file)) ? files.has(file) : undefined),
      },
    );

    for (const { id, reason } of report.allowed) console.log(`Skipped: ${id}\n         ${reason}`);
    for (const { broker, why } of notTested.values()) {
      console.log(`NOT tested: ${broker}, ${report.notTested.get(broker) ?? 0} tests. Why: ${why}.`);
    }
    for (const problem of report.problems) console.error(problem);

    const failed =
      failedTests.length + broken.length + brokenSuites.length + errors.length + report.problems.length;
    if (failed > 0) {
      for (const test of failedTests) tell(test, test.result().errors);
      for (const place of [...broken, ...brokenSuites]) tell(place, place.errors());
      for (const error of errors) console.error(`Failed outside of tests: ${error.message}`);
      console.error(
        `To repeat with the same random choices: ${seedVariable}=${process.env[seedVariable]} npm test`,
      );
      process.exitCode = 1;
    }
    const counts: Counts = {
      passed: tests.filter((test) => test.result().state === 'passed').length,
      failed,
      skipped: tests.filter((test) => test.result().state === 'skipped').length,
    };
    const target = process.env[countsVariable];
    if (target !== undefined) writeFileSync(target, JSON.stringify(counts));
  }
}

function idOf(place: TestCase | TestSuite | TestModule): string {
  if (place.type === 'module') return place.relativeModuleId;
  return `${place.module.relativeModuleId} > ${place.fullName}`;
}

/** What it failed with first, and where in our own code. */
function tell(place: TestCase | TestSuite | TestModule, [error]: readonly SerializedError[] = []): void {
  const where = error?.stacks?.find(({ file }) => !file.includes('node_modules'));
  const line = where === undefined ? '' : ` (${relative(process.cwd(), where.file)}:${where.line})`;
  const message = (error?.message ?? '').replaceAll(/\s+/g, ' ').slice(0, 500);
  console.error(`Failed: ${idOf(place)}\n        ${message}${line}`);
}
