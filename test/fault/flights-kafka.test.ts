import { Kafka, logLevel } from 'kafkajs';
import { describe, expect, inject, it } from 'vitest';
import { runFlights } from '../examples/flights-program.ts';

const servers = inject('kafkaServers');

describe.skipIf(servers === undefined)('the flights example on kafka', { timeout: 120_000 }, () => {
  async function topicsLeft(): Promise<string[]> {
    const admin = new Kafka({ brokers: servers!.split(','), logLevel: logLevel.NOTHING }).admin();
    await admin.connect();
    try {
      return (await admin.listTopics()).filter((topic) => topic.startsWith('buschart-flights-'));
    } finally {
      await admin.disconnect();
    }
  }

  const onKafka = (...args: string[]) => ['--transport', 'kafka', '--kafka-servers', servers!, ...args];

  it('ends equal to the plain loop although a worker was killed, and leaves no topic and no file', async () => {
    const run = await runFlights(onKafka('--workers', '3', '--kill'));
    expect(run.stderr).toBe('');
    expect(run.stdout).toMatch(/worker-\d was killed with SIGKILL after [1-9]\d* events, and replaced/);
    expect(run.stdout).toContain('still dead letters: 0');
    expect(run.stdout.match(/: yes$/gm)).toHaveLength(3);
    expect({ exitCode: run.exitCode, leftovers: run.leftovers }).toEqual({ exitCode: 0, leftovers: [] });
    expect(await topicsLeft()).toEqual([]);
  });

  it('drains and leaves nothing when it is interrupted', async () => {
    const run = await runFlights(onKafka('--workers', '2', '--input', 'flights-20k.json'), {
      on: 'flights of',
      signal: 'SIGTERM',
    });
    expect(run.stderr).toContain('Interrupted');
    expect({ exitCode: run.exitCode, leftovers: run.leftovers }).toEqual({ exitCode: 143, leftovers: [] });
    expect(await topicsLeft()).toEqual([]);
  });
});
