import { execa } from 'execa';
import { describe, expect, inject, it } from 'vitest';

const check = (command: string, args: string[]) =>
  execa(command, args, { preferLocal: true, reject: false, all: true, stdin: 'ignore' });

describe('the packed package', () => {
  it('passes publint with neither error nor warning', async () => {
    const result = await check('publint', ['run', inject('tarball'), '--strict', '--level', 'warning']);
    expect(result.exitCode, result.all).toBe(0);
  });

  it('has types that every ESM resolution finds', async () => {
    const result = await check('attw', [
      inject('tarball'),
      '--profile',
      'esm-only',
      '--format',
      'ascii',
      '--no-emoji',
    ]);
    expect(result.exitCode, result.all).toBe(0);
  });

  it('holds the library, its sources and its licence, and nothing of the workshop', async () => {
    const { stdout } = await check('tar', ['-tzf', inject('tarball')]);
    const files = stdout.split('\n').map((file) => file.replace(/^package\//, ''));
    expect(files).toEqual(
      expect.arrayContaining(['package.json', 'LICENSE', 'README.md', 'CHANGELOG.md', 'dist/src/index.js']),
    );
    // The page of the inspector is compiled, copied and drawn by the build.
    for (const name of [
      'index.html',
      'main.js',
      'page.css',
      'icon.svg',
      'chart-bus.svg',
      'chart-deliveries.svg',
    ])
      expect(files).toContain(`dist/src/inspector/page/${name}`);
    expect(files.filter((file) => !/^(dist\/)?(src|machines)\/|^[^/]+$/.test(file))).toEqual([]);
    expect(files.filter((file) => /test\.|tsbuildinfo|\.ci|\.env/.test(file))).toEqual([]);
  });
});
