import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';

const lockText = readFileSync(new URL('../../package-lock.json', import.meta.url), 'utf8');
const manifest = readJson('../../package.json') as Record<string, unknown>;
const lock = JSON.parse(lockText) as {
  lockfileVersion: number;
  packages: Record<string, Record<string, unknown>>;
};

function readJson(path: string): unknown {
  return JSON.parse(readFileSync(new URL(path, import.meta.url), 'utf8'));
}

describe('the lock file', () => {
  it('names no place to download from, so that it works behind every mirror', () => {
    expect(lock.lockfileVersion).toBe(3);
    expect(lockText).not.toMatch(/"resolved"/);
    expect(lockText).not.toMatch(/\.tgz/);
  });

  it('names no path of a machine', () => {
    expect(lockText).not.toMatch(/"file:|"link:|"link": true/);
    for (const path of Object.keys(lock.packages))
      expect(path === '' || path.startsWith('node_modules/')).toBe(true);
  });

  it('pins every package by its hash', () => {
    const unpinned = Object.entries(lock.packages).filter(
      ([path, entry]) => path !== '' && entry['inBundle'] !== true && typeof entry['integrity'] !== 'string',
    );
    expect(unpinned.map(([path]) => path)).toEqual([]);
  });

  it('belongs to package.json as it is', () => {
    const root = lock.packages['']!;
    for (const field of ['version', 'engines', 'dependencies', 'devDependencies', 'peerDependencies']) {
      expect(root[field], field).toEqual(manifest[field]);
    }
  });

  // npm leaves out what a mirror didn't have at that moment, and "npm ci" refuses such a file.
  it('has every package that another one may ask for, those for other platforms too', () => {
    const names = new Set(Object.keys(lock.packages).map((path) => path.split('node_modules/').at(-1)));
    const wanted = Object.values(lock.packages).flatMap((entry) =>
      Object.keys({
        ...(entry['dependencies'] as object | undefined),
        ...(entry['optionalDependencies'] as object | undefined),
      }),
    );
    expect(wanted.filter((name) => !names.has(name))).toEqual([]);
  });
});
