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
  const run = (file: string) => runExample(file, { REDIS_URL: url!, STREAM_PREFIX: prefix });

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
