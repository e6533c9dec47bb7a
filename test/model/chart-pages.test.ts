import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { expect, it } from 'vitest';
import { chartFiles } from '../../scripts/charts.ts';
import { parseMermaid } from '../support/mermaid.ts';

const root = resolve(import.meta.dirname, '../..');
const files = await chartFiles();

it('docs/machines is what the machines are; run "npm run charts" after a change', () => {
  const written = readdirSync(join(root, 'docs/machines')).map((name) => join('docs/machines', name));
  expect(written.toSorted()).toEqual([...files.keys()].toSorted());
  for (const [path, text] of files) {
    const isSame = readFileSync(join(root, path), 'utf8') === text;
    expect(isSame, `${path} is out of date. Run: npm run charts`).toBe(true);
  }
});

it.each([...files].filter(([path]) => path.endsWith('.md') && !path.endsWith('README.md')))(
  "%s has charts that Mermaid's own parser takes",
  async (_, text) => {
    const charts = [...text.matchAll(/```mermaid\n(?<chart>[^`]*)```/g)].map(
      ({ groups }) => groups!['chart']!,
    );
    expect(charts).not.toEqual([]);
    for (const chart of charts) await parseMermaid(chart);
  },
);
