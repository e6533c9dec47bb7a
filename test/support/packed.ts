import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import type { TestProject } from 'vitest/node';

declare module 'vitest' {
  interface ProvidedContext {
    /** The package as npm would publish it, a .tgz. */
    tarball: string;
  }
}

/** Packs what is built, once for all tests of the package. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const folder = await mkdtemp(join(tmpdir(), 'buschart-packed-'));
  const options = { cwd: project.config.root, stdin: 'ignore' } as const;
  // Without scripts, because prepack empties dist, which others may be running from.
  const packed = await execa(
    'npm',
    ['pack', '--ignore-scripts', '--json', '--pack-destination', folder],
    options,
  );
  const [archive] = JSON.parse(packed.stdout) as [{ filename: string }];
  project.provide('tarball', join(folder, archive.filename));
  return () => rm(folder, { recursive: true, force: true });
}
