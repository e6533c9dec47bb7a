import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import getPort from 'get-port';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runFlights } from './flights-program.ts';

describe('the flights example in memory', { timeout: 60_000 }, () => {
  it('retries, dead-letters, replays, and ends equal to the plain loop', async () => {
    const { exitCode, stdout, stderr } = await runFlights([]);
    expect(stderr).toBe('');
    expect(stdout).toContain('10000 flights of flights-10k.json: 20000 events');
    expect(stdout).toMatch(/retried: [1-9]\d* of 548 notifications, with [1-9]\d* further attempts/);
    expect(stdout).toMatch(/9 × not-retryable:.*DelayLedger.*no room for a delay of over 240 minutes/);
    expect(stdout).toMatch(/replayed: (9|1\d), still dead letters: 0/);
    expect(stdout).toMatch(/drained: .*0 released, 0 aborted, 0 unpublished/);
    expect(stdout).toContain('projection equals the plain loop: yes');
    expect(stdout).toContain('every departure is in the ledger: yes');
    expect(exitCode).toBe(0);
  });

  it('retries the same notifications for the same seed, and others for another', async () => {
    const retriedWith = async (seed: string) => {
      const { stdout } = await runFlights(['--limit', '2000', '--seed', seed]);
      return /retried: .*/.exec(stdout)?.[0];
    };
    const [one, again, other] = await Promise.all(['1', '1', '2'].map(retriedWith));
    expect(one).toBeDefined();
    expect(again).toBe(one);
    expect(other).not.toBe(one);
  });

  it.each([
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const)('drains after a %s, says how, and exits with %d', async (signal, code) => {
    const interruption = { on: 'flights of', signal };
    const { exitCode, stdout, stderr } = await runFlights(['--input', 'flights-20k.json'], interruption);
    expect(stderr).toContain('Interrupted');
    expect(stdout).toMatch(/^drained: \d+ settled, \d+ released, \d+ aborted, \d+ unpublished$/m);
    expect(stdout).not.toContain('plain loop');
    expect(exitCode).toBe(code);
  });

  it('shows itself in a page with --inspect: begins when it is open, and stays until a Ctrl-C', async () => {
    const output: string[] = [];
    const page = new AbortController();
    const run = await runFlights(['--inspect', '--limit', '500', '--rate', '5000'], {
      on: 'stays until Ctrl-C',
      signal: 'SIGINT',
      during: (text) => {
        output.push(text);
        const url = /Open (?<url>\S+)/.exec(text)?.groups?.['url'];
        if (url === undefined) return;
        const { origin, hash } = new URL(url);
        expect(output.join('')).not.toContain('busiest');
        const headers = { authorization: `Bearer ${hash.replace('#token=', '')}` };
        void fetch(`${origin}/api/stream`, { headers, signal: page.signal }).catch(() => undefined);
      },
    });
    page.abort();
    expect(run.stderr).toBe('');
    expect(run.stdout).toContain('projection equals the plain loop: yes');
    expect(run.exitCode).toBe(0);
  });

  it('ends at once when nobody opens that page, and a Ctrl-C comes', async () => {
    const { exitCode, stderr } = await runFlights(['--inspect'], { on: 'begins when', signal: 'SIGINT' });
    expect(stderr).toContain('Interrupted');
    expect(exitCode).toBe(130);
  });

  it('prints its options when asked for', async () => {
    const { exitCode, stdout } = await runFlights(['--help']);
    expect(stdout).toMatch(/--transport[^]*--input[^]*--workers[^]*--kill[^]*--seed/);
    expect(exitCode).toBe(0);
  });
});

describe(
  'the flights example refuses, with exit code 2, a message and nothing left behind,',
  { timeout: 60_000 },
  () => {
    let directory: string;
    beforeAll(async () => {
      directory = await mkdtemp(join(tmpdir(), 'flight-inputs-'));
    });
    afterAll(() => rm(directory, { recursive: true }));

    async function refusal(args: readonly string[]): Promise<string> {
      const { exitCode, stdout, stderr, leftovers } = await runFlights(args);
      expect({ exitCode, stdout, leftovers }).toEqual({ exitCode: 2, stdout: '', leftovers: [] });
      expect(stderr).not.toMatch(/^\s+at /m);
      return stderr;
    }

    async function file(name: string, content: string): Promise<string> {
      await writeFile(join(directory, name), content);
      return join(directory, name);
    }

    it('an unknown option', async () => {
      expect(await refusal(['--wings', '2'])).toMatch(/--wings[^]*--help/);
    });

    it('several workers on the in-memory bus', async () => {
      expect(await refusal(['--workers', '3'])).toContain('--transport redis');
    });

    it('a file that is not there', async () => {
      expect(await refusal(['--input', 'nowhere.json'])).toContain('nowhere.json');
    });

    it('a file that is not JSON', async () => {
      const message = await refusal(['--input', await file('broken.json', '[{"date":')]);
      expect(message).toMatch(
        /broken\.json: .*JSON.*\. Give a JSON array of flight records or a \.parquet file\./,
      );
    });

    it('JSON that is no array', async () => {
      expect(await refusal(['--input', await file('object.json', '{}')])).toContain('not an array');
    });

    it('parquet that is none', async () => {
      const message = await refusal(['--input', await file('fake.parquet', 'no parquet at all')]);
      expect(message).toMatch(
        /fake\.parquet: .*\. Give a JSON array of flight records or a \.parquet file\./,
      );
    });

    it('an empty file of records', async () => {
      expect(await refusal(['--input', await file('empty.json', '[]')])).toContain('no records');
    });

    it('records without origin or destination, by their rows', async () => {
      const complete = {
        date: '2001/01/01 00:47',
        delay: 66,
        distance: 1750,
        origin: 'DTW',
        destination: 'LAS',
      };
      const rows = [complete, { ...complete, origin: undefined }, { ...complete, destination: '' }];
      const message = await refusal(['--input', await file('incomplete.json', JSON.stringify(rows))]);
      expect(message).toContain('row 2: origin is missing');
      expect(message).toContain('row 3: destination is missing');
    });

    it('an address where no Redis answers, within 10 seconds', async () => {
      const port = await getPort({ host: '127.0.0.1' });
      const startedAt = performance.now();
      const message = await refusal(['--transport', 'redis', '--redis-url', `redis://127.0.0.1:${port}`]);
      expect(message).toContain(`127.0.0.1:${port}`);
      expect(message).toContain('--redis-url');
      expect(performance.now() - startedAt).toBeLessThan(10_000);
    });
  },
);
