import { describe, expect, inject, it } from 'vitest';
import { runFlights } from '../examples/flights-program.ts';

const url = inject('rabbitmqUrl');

describe.skipIf(url === undefined)('the flights example on rabbitmq', { timeout: 120_000 }, () => {
  const onRabbit = (...args: string[]) => ['--transport', 'rabbitmq', '--rabbitmq-url', url!, ...args];

  it('ends equal to the plain loop although a worker was killed, and leaves no file', async () => {
    const run = await runFlights(onRabbit('--workers', '3', '--kill'));
    expect(run.stderr).toBe('');
    expect(run.stdout).toMatch(/worker-\d was killed with SIGKILL after [1-9]\d* events, and replaced/);
    expect(run.stdout).toContain('still dead letters: 0');
    expect(run.stdout.match(/: yes$/gm)).toHaveLength(3);
    expect({ exitCode: run.exitCode, leftovers: run.leftovers }).toEqual({ exitCode: 0, leftovers: [] });
  });

  it('drains and leaves nothing when it is interrupted', async () => {
    const run = await runFlights(onRabbit('--workers', '2', '--input', 'flights-20k.json'), {
      on: 'flights of',
      signal: 'SIGINT',
    });
    expect(run.stderr).toContain('Interrupted');
    expect({ exitCode: run.exitCode, leftovers: run.leftovers }).toEqual({ exitCode: 130, leftovers: [] });
  });
});
