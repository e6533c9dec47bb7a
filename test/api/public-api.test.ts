import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { describe, expect, it } from 'vitest';
import { exportsOf, isType } from '../support/public-api.ts';

const root = resolve(import.meta.dirname, '../..');
const manifest = JSON.parse(readFileSync(resolve(root, 'package.json'), 'utf8')) as {
  exports: Record<string, { types: string; default: string } | string>;
};
const subpaths = Object.entries(manifest.exports).flatMap(([name, target]) =>
  typeof target === 'string' ? [] : [{ name: name.replace(/^\./, 'buschart'), ...target }],
);

describe('the public API', () => {
  it('is what public-api.txt lists; a change belongs in the changelog, then run vitest with -u', async () => {
    const lines = subpaths.flatMap(({ name, types }) => {
      const entries = [...exportsOf(resolve(root, types))];
      return [name, ...entries.map(([id, kind]) => `  ${kind} ${id}`).toSorted(), ''];
    });
    await expect(lines.join('\n')).toMatchFileSnapshot('public-api.txt');
  });

  // In-memory users have no driver; vitest's own loader would resolve sources, so this is the built file as Node runs it.
  it.each(subpaths)('is at run time what $name declares', async ({ types, default: file }) => {
    const module = (await import(pathToFileURL(resolve(root, file)).href)) as object;
    const values = [...exportsOf(resolve(root, types))].filter(([, kind]) => !isType(kind));
    expect(Object.keys(module).toSorted()).toEqual(values.map(([name]) => name).toSorted());
  });
});
