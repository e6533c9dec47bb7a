import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import { filledReadme } from '../../scripts/readme.ts';

it('shows the examples as they are (node --import tsx scripts/readme.ts fills them in)', () => {
  const readme = readFileSync('README.md', 'utf8');
  expect(readme).toBe(filledReadme());
  // A place that the script doesn't find stays as it is: empty.
  expect(readme).not.toMatch(/```ts\s*```/);
});

it('shows a quick start that runs', async () => {
  const { stdout } = await promisify(execFile)(process.execPath, [
    '--import',
    'tsx',
    'examples/quick-start.ts',
  ]);
  expect(stdout).toMatch(/^Order [0-9a-f-]{36} created for customer-123\n$/);
});
