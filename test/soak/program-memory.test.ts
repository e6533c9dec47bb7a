import { once } from 'node:events';
import { execa } from 'execa';
import { describe, expect, it } from 'vitest';
import { parseOptions } from './options.ts';

const soak = (...args: string[]) =>
  execa(process.execPath, ['--import', 'tsx', 'test/soak/main.ts', ...args], { reject: false });

describe('npm run test:soak', { timeout: 60_000 }, () => {
  const parse = (...args: string[]) => parseOptions(args, () => 7);

  it('walks for ten minutes on every transport, from any seed, unless it is told otherwise', () => {
    expect(parse()).toEqual({ transport: 'all', minutes: 10, perWalk: 30, seed: 7, shrinks: 40 });
    expect(parse('--transport', 'kafka', '--minutes', '0.5', '--seed', '42')).toMatchObject({
      transport: 'kafka',
      minutes: 0.5,
      seed: 42,
    });
  });

  it.each([
    ['--minutes', '0', /above 0/],
    ['--minutes', 'long', /above 0/],
    ['--seed', '-1', /whole number/],
    ['--seed', '2147483648', /below 2147483648/],
    ['--commands', '1.5', /whole number, 1 or more/],
    ['--transport', 'carrier-pigeon', /memory, redis, rabbitmq, kafka, all/],
    ['--path', '0:1', /belong together/],
    ['--colour', 'red', /unknown option '--colour'/],
  ])('refuses %s %s, and says why', (option, value, why) => {
    expect(() => parse(option, value)).toThrow(why);
  });

  it('ends with 2 when it is called wrongly, and names its help', async () => {
    const result = await soak('--transport', 'carrier-pigeon');
    expect(result).toMatchObject({ exitCode: 2, stdout: '' });
    expect(result.stderr).toContain('npm run test:soak -- --help');
  });

  it('walks, prints what it did, and ends', async () => {
    const result = await soak('--transport', 'memory', '--commands', '5', '--seed', '1');
    expect(result.stderr).toBe('10 minute(s) on memory, from seed 1 on. Ctrl-C ends it in good order.');
    expect(result).toMatchObject({ exitCode: 0 });
    expect(result.stdout).toMatch(/memory +│ +\d+ │/);
    expect(result.stdout).toContain('Seed: 1');
  });

  it('ends in good order when it is interrupted, and says what it has done so far', async () => {
    const running = soak('--transport', 'memory', '--minutes', '5', '--seed', '1');
    await once(running.stderr, 'data');
    running.kill('SIGINT');
    const result = await running;
    expect(result).toMatchObject({ exitCode: 130 });
    expect(result.stdout).toMatch(/memory +│/);
  });
});
