import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import { filledReadme } from '../../scripts/readme.ts';

it('shows the examples as they are (node --import tsx scripts/readme.ts fills them in)', () => {
  expect(readFileSync('README.md', 'utf8')).toBe(filledReadme());
});

it('shows a quick start that runs', async () => {
  const { stdout } = await promisify(execFile)(process.execPath, [
    '--import',
    'tsx',
    'examples/quick-start.ts',
  ]);
  expect(stdout).toMatch(/^Order [0-9a-f-]{36} created for customer-123\n$/);
});
