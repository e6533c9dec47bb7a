import { readFileSync } from 'node:fs';
import { execa } from 'execa';
import { describe, expect, it } from 'vitest';
import { faults } from '../../scripts/mutants/faults.ts';
import { withFault, type Fault } from '../../scripts/mutants/fault.ts';
import { judge } from '../../scripts/mutants/run.ts';

const fault: Fault = {
  name: 'planted',
  file: 'machines/work.ts',
  from: 'this.#open -= count;',
  to: 'this.#open -= 0;',
  tests: ['test/unit/machines/structures.test.ts'],
};

describe('seeded faults', () => {
  it('have names of their own', () => {
    const names = faults.map(({ name }) => name);
    expect(names).toEqual([...new Set(names)]);
  });

  it.each(faults)('stand where they are to be put in: $name', (one) => {
    expect(withFault(readFileSync(one.file, 'utf8'), one)).toContain(one.to);
  });

  it('are told from those that no test notices', async () => {
    const unseen = {
      ...fault,
      name: 'unseen',
      from: '/** Counts what runs',
      to: '/** counts what runs',
    };
    const verdicts = await judge([fault, unseen]);
    expect(verdicts.map(({ killedBy }) => killedBy !== undefined)).toEqual([true, false]);
  }, 60_000);

  it.each([
    ['stands nowhere', 'no such text', 0],
    ['stands in several places', 'count', 5],
  ])('are refused before anything runs when their text %s', async (_, from, times) => {
    await expect(judge([{ ...fault, from }])).rejects.toThrow(
      `The fault "planted" must match once in machines/work.ts, and matches ${times} times.`,
    );
  });

  it('are not judged by tests that fail without any', async () => {
    await expect(judge([{ ...fault, tests: ['test/support/always-failing.ts'] }])).rejects.toThrow(
      'The tests fail without any fault: fails whatever is seeded',
    );
  }, 60_000);

  it('that break the loading of their tests are no success', async () => {
    await expect(judge([{ ...fault, to: 'this.#open -= (' }])).rejects.toThrow(
      /"planted" ends its tests without/,
    );
  }, 60_000);

  it('are not written into the page unless all have run', async () => {
    const run = await execa(
      'node',
      ['--import', 'tsx', 'scripts/mutants/main.ts', '--only', 'x', '--write'],
      {
        reject: false,
        stdin: 'ignore',
      },
    );
    expect(run.exitCode).toBe(2);
  }, 30_000);
});
