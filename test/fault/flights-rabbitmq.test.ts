import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { type RabbitServer, startRabbitServer } from '../../brokers/rabbitmq-server.ts';
import { runFlights } from '../examples/flights-program.ts';

const program = inject('rabbitmqServer');

describe.skipIf(program === undefined)('the flights example on rabbitmq', { timeout: 120_000 }, () => {
  let server: RabbitServer;
  beforeAll(async () => {
    server = await startRabbitServer(program!);
  }, 60_000);
  afterAll(() => server.stop());

  /** Names of all queues, and of the exchanges that aren't RabbitMQ's own. */
  async function left(): Promise<string[]> {
    const names: string[] = [];
    for (const list of ['list_queues', 'list_exchanges'])
      names.push(...(await server.rabbitmqctl(list, '--no-table-headers', 'name')).trim().split('\n'));
    return names.filter((name) => name !== '' && !name.startsWith('amq.'));
  }

  const onRabbit = (...args: string[]) => ['--transport', 'rabbitmq', '--rabbitmq-url', server.url, ...args];

  it('ends equal to the plain loop although a worker was killed, and leaves no queue, exchange or file', async () => {
    const run = await runFlights(onRabbit('--workers', '3', '--kill'));
    expect(run.stderr).toBe('');
    expect(run.stdout).toMatch(/worker-\d was killed with SIGKILL after [1-9]\d* events, and replaced/);
    expect(run.stdout).toContain('still dead letters: 0');
    expect(run.stdout.match(/: yes$/gm)).toHaveLength(3);
    expect({ exitCode: run.exitCode, leftovers: run.leftovers }).toEqual({ exitCode: 0, leftovers: [] });
    expect(await left()).toEqual([]);
  });

  it('drains and leaves nothing when it is interrupted', async () => {
    const run = await runFlights(onRabbit('--workers', '2', '--input', 'flights-20k.json'), {
      on: 'flights of',
      signal: 'SIGINT',
    });
    expect(run.stderr).toContain('Interrupted');
    expect({ exitCode: run.exitCode, leftovers: run.leftovers }).toEqual({ exitCode: 130, leftovers: [] });
    expect(await left()).toEqual([]);
  });
});
