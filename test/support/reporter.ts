import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import type { Reporter, SerializedError, TestCase, TestModule, Vitest } from 'vitest/node';
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

/** Fails a run that skips what test/skips.json doesn't allow, and tells what wasn't tested and how to repeat a failure. */
export class SkipReporter implements Reporter {
  #vitest: Vitest | undefined;

  onInit(vitest: Vitest): void {
    this.#vitest = vitest;
    console.log(`Node ${process.version}, ${seedVariable}=${process.env[seedVariable]}`);
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

function idOf(test: TestCase): string {
  return `${test.module.relativeModuleId} > ${test.fullName}`;
}
