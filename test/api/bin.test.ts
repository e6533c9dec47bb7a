import { mkdtemp, readdir, readFile, realpath, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { parseMermaid } from '../support/mermaid.ts';

const root = resolve(import.meta.dirname, '../..');
const NAMES = ['bus', 'connection', 'consumer', 'subscription', 'handler', 'delivery'];

describe('npx buschart, where the tarball is installed', () => {
  let folder: string;
  beforeAll(async () => {
    folder = await realpath(await mkdtemp(join(tmpdir(), 'buschart-installed-')));
    const manifest = { name: 'user', private: true, dependencies: { buschart: `file:${inject('tarball')}` } };
    await writeFile(join(folder, 'package.json'), JSON.stringify(manifest));
    await execa('npm', ['install', '--prefer-offline', '--no-audit', '--no-fund'], {
      cwd: folder,
      stdin: 'ignore',
    });
  }, 120_000);
  afterAll(() => rm(folder, { recursive: true, force: true }));

  const buschart = (...args: string[]) =>
    execa('npx', ['--no-install', 'buschart', ...args], { cwd: folder, reject: false, stdin: 'ignore' });

  it('prints a machine for a Markdown page', async () => {
    const { stdout, exitCode } = await buschart('machines', 'delivery');
    expect(exitCode).toBe(0);
    await parseMermaid(stdout);
    expect(stdout).toContain('deadLettering');
  });

  it('prints all machines when none is named', async () => {
    const { stdout } = await buschart('machines');
    expect([...stdout.matchAll(/^%% (?<name>\w+)$/gm)].map(({ groups }) => groups!['name'])).toEqual(NAMES);
  });

  it('prints JSON for the editor of Stately', async () => {
    const { stdout } = await buschart('machines', 'bus', '--format', 'json');
    expect(JSON.parse(stdout)).toMatchObject({ id: 'bus', type: 'parallel', states: { lifecycle: {} } });
  });

  it('prints one JSON object when none is named', async () => {
    const { stdout } = await buschart('machines', '--format', 'json');
    expect(Object.keys(JSON.parse(stdout) as object)).toEqual(NAMES);
  });

  it('writes a file for each into a folder that is not there yet, and says where', async () => {
    const { stdout } = await buschart('machines', '--format', 'json', '--out', 'charts/json');
    const files = NAMES.map((name) => `${name}.json`);
    expect((await readdir(join(folder, 'charts/json'))).toSorted()).toEqual(files.toSorted());
    expect(stdout.split('\n')).toEqual(files.map((file) => join('charts/json', file)));
    expect(JSON.parse(await readFile(join(folder, 'charts/json/handler.json'), 'utf8'))).toHaveProperty(
      'states',
    );
  });

  it('says what a picture needs, and draws it once that is there', async () => {
    const without = await buschart('machines', 'handler', '--format', 'svg');
    expect(without).toMatchObject({ exitCode: 1, stdout: '' });
    expect(without.stderr).toBe('error: The package "elkjs" is not installed. Run: npm install elkjs');
    await symlink(join(root, 'node_modules/elkjs'), join(folder, 'node_modules/elkjs'));
    const { stdout, exitCode } = await buschart('machines', 'handler', '--format', 'svg');
    expect(exitCode).toBe(0);
    expect(stdout).toMatch(/^<svg .*data-state="handler.draining".*<\/svg>$/s);
  });

  it('refuses a name that it does not know and lists those it does', async () => {
    const { exitCode, stderr, stdout } = await buschart('machines', 'busses');
    expect({ exitCode, stdout }).toEqual({ exitCode: 1, stdout: '' });
    for (const word of ['busses', ...NAMES]) expect(stderr).toContain(word);
  });

  it('refuses several pictures at once, and a folder that is a file', async () => {
    expect(await buschart('machines', '--format', 'svg')).toMatchObject({ exitCode: 1, stdout: '' });
    const refused = await buschart('machines', '--out', 'package.json');
    expect(refused.exitCode).toBe(1);
    expect(refused.stderr).toMatch(/^error: EEXIST[^\n]*package\.json[^\n]*$/);
  });

  it('ends well when nobody reads on', async () => {
    const bin = join(folder, 'node_modules/.bin/buschart');
    const piped = `set -o pipefail; for i in 1 2 3 4 5; do '${bin}' machines -f json | true || exit 1; done`;
    const { exitCode, stderr } = await execa('bash', ['-c', piped], { cwd: folder, reject: false });
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
  });

  it('explains itself', async () => {
    expect((await buschart('--help')).stdout).toContain('machines [options] [name...]');
    const { stdout } = await buschart('machines', '--help');
    for (const word of ['--format', '--out', 'Examples:', ...NAMES]) expect(stdout).toContain(word);
    const { version } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8')) as { version: string };
    expect((await buschart('--version')).stdout).toBe(version);
  });

  it('offers the charts to programs as buschart/charts', async () => {
    const program = `
      import { chartOf, mermaidOf } from 'buschart/charts';
      import { createMachine } from 'xstate';
      console.log(mermaidOf(chartOf(createMachine({ id: 'own', initial: 'on', states: { on: {} } }))));`;
    const { stdout } = await execa('node', ['--input-type=module', '--eval', program], { cwd: folder });
    expect(stdout).toContain('[*] --> own_on');
  });
});
