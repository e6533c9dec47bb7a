import { execa } from 'execa';
import { expect, it } from 'vitest';
import { bounded } from '../../scripts/bounded.ts';

/** Starts a process that prints to the same pipe, never ends by itself and hears no signal. */
const PARENT = `
  const { spawn } = require('node:child_process');
  spawn(process.execPath, ['-e', "process.on('SIGTERM', () => {}); console.log('up'); for (;;);"],
    { stdio: ['ignore', 'inherit', 'inherit'] });
`;

it('ends what a command has started too, when its time is up', async () => {
  // It resolves only when nobody holds the pipe any more.
  const run = await bounded(process.execPath, ['-e', PARENT], 1_500, {});
  expect(run).toMatchObject({ isTimeUp: true, stdout: 'up' });
}, 20_000);

it('passes on what a command prints and how it ends', async () => {
  const run = await bounded(process.execPath, ['-e', 'console.log("x"); process.exit(3)'], 10_000, {});
  expect(run).toMatchObject({ isTimeUp: false, stdout: 'x', exitCode: 3, failed: true });
});

it('passes a Ctrl-C on, and does nothing that would have followed', async () => {
  const module = new URL('../../scripts/bounded.ts', import.meta.url).href;
  const program = `
    const { bounded } = await import('${module}');
    await bounded(process.execPath, ['-e', 'console.log("up"); setInterval(() => {}, 1000)'], 60_000, { stdout: 'inherit' });
    console.log('went on');
  `;
  const run = execa(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', program], {
    reject: false,
    stdin: 'ignore',
  });
  run.stdout.once('data', () => run.kill('SIGINT'));
  expect(await run).toMatchObject({ signal: 'SIGINT', stdout: 'up' });
}, 20_000);
