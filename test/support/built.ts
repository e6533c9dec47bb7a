import { execa } from 'execa';
import type { TestProject } from 'vitest/node';

/** Set once `dist` is up to date, by `npm test` or by the first project of a run. */
export const builtVariable = 'BUSCHART_BUILT';

/** Examples import the package by its name, so they run on what is built. */
export default async function setup(project: TestProject): Promise<void> {
  if (process.env[builtVariable] === '1') return;
  // `npm test` reports a failed build itself; thrown here, it would end the tests of all projects.
  await execa('npm', ['run', 'build', '--silent'], {
    cwd: project.config.root,
    stdin: 'ignore',
    reject: false,
  });
  process.env[builtVariable] = '1';
}
