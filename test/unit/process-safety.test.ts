import { execa } from 'execa';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';

const program = fileURLToPath(new URL('../support/faults-at-home.ts', import.meta.url));

it('no mistake of handlers, listeners, observers, loggers or classify ends the process or stops the bus', async () => {
  const { exitCode, stderr } = await execa('node', ['--import', 'tsx', program], {
    reject: false,
    stdin: 'ignore',
    timeout: 25_000,
  });
  expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
}, 30_000);
