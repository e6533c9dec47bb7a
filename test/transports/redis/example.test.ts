import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { afterEach, describe, expect, inject, it } from 'vitest';
import { removeKeys } from '../../../examples/flights/redis-keys.ts';
import { runExample } from '../../support/example.ts';

const url = inject('redisUrl');

describe.skipIf(url === undefined)('the examples on Redis', () => {
  let prefix = `example-${randomUUID()}`;
  afterEach(async () => {
    await removeKeys(url!, prefix);
    prefix = `example-${randomUUID()}`;
  });
  const run = (file: string, ...args: readonly string[]) =>
    runExample(file, { REDIS_URL: url!, STREAM_PREFIX: prefix }, ...args);

  it('handle what they publish, and say what became of it', async () => {
    expect((await run('redis.ts')).split('\n')).toEqual([
      'attempt 1: 1 parcels of order-1',
      'attempt 1: 7 parcels of order-1',
      '{',
      expect.stringMatching(/^ {2}settled: \d,$/),
      '  released: 0,',
      '  aborted: 0,',
      '  unpublished: 0,',
      '  timedOut: false',
      '}',
      '',
    ]);
  });

  it('are handled in one process and published in another', async () => {
    const consumed = run('guide/two-processes.ts', 'consume');
    expect(await run('guide/two-processes.ts', 'publish')).toBe('published\n');
    expect(await consumed).toBe('created for ada\n');
  });

  it('list, replay and count what is set aside', async () => {
    expect((await run('guide/redis-dead-letters.ts')).split('\n')).toEqual([
      'noted ada',
      'set aside: OrderCreated, no connection to the CRM',
      'welcome, ada',
      '{ pendingMessages: 0, dlqMessages: 0 }',
      '',
    ]);
  });

  it('give each group everything, and share it among its members', async () => {
    expect(await run('consumer-groups.ts')).toBe('billing: 40 by two members, audit: 40 by one\n');
  });

  it('set aside what goes on failing, and replay it', async () => {
    expect((await run('dead-letters.ts')).split('\n')).toEqual([
      'invoice-1: attempt 1',
      'invoice-1: attempt 2',
      'invoice-1: attempt 3',
      'set aside: InvoiceSent, attempts-exhausted after 3 attempts: the ledger is closed',
      'invoice-1: attempt 1',
      '',
    ]);
  });

  it('end what has begun when they are told to stop, and begin nothing more', async () => {
    const child = spawn(process.execPath, ['--import', 'tsx', 'examples/graceful-shutdown.ts'], {
      env: { ...process.env, REDIS_URL: url, STREAM_PREFIX: prefix },
      stdio: ['ignore', 'pipe', 'inherit'],
      timeout: 25_000,
    });
    const lines: string[] = [];
    createInterface(child.stdout).on('line', (line) => {
      lines.push(line);
      if (lines.length === 1) child.kill('SIGTERM');
    });
    const [code] = (await once(child, 'close')) as [number | null];
    expect({ code, lines }).toEqual({
      code: 0,
      lines: ['report-1: begun', 'SIGTERM', 'report-1: done', 'stopped'],
    });
  }, 30_000);
});
