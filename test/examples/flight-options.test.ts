import { describe, expect, it } from 'vitest';
import { parseOptions } from '../../examples/flights/options.ts';

describe('the options of the flights example', () => {
  it('start one process in memory on 10,000 flights by default', () => {
    expect(parseOptions([])).toMatchObject({
      transport: 'memory',
      input: 'flights-10k.json',
      workers: 1,
      kill: false,
      seed: 1,
    });
  });

  it('are read as numbers where they are', () => {
    const args = ['--transport', 'redis', '--workers', '3', '--limit', '200', '--seed', '7', '--kill'];
    expect(parseOptions(args)).toMatchObject({ workers: 3, limit: 200, seed: 7, kill: true });
  });

  it('go slowly enough to be watched when they are to be', () => {
    expect(parseOptions([])).not.toHaveProperty('rate');
    expect(parseOptions(['--inspect'])).toMatchObject({ inspect: true, rate: 1000 });
    expect(parseOptions(['--inspect', '--rate', '50'])).toMatchObject({ rate: 50 });
  });

  it.each([
    [['--rate', '0'], /rate[^]*1 or more/],
    [['--transport', 'pigeon'], /pigeon[^]*memory, redis/],
    [['--workers', '0'], /workers[^]*1 or more/],
    [['--workers', 'many'], /many[^]*whole number/],
    [['--limit', '1.5'], /1\.5[^]*whole number/],
    [['--seed', '-1'], /seed/],
    [['--redis-url', 'localhost'], /localhost[^]*redis:\/\//],
    [['--wings', '2'], /--wings/],
    [['extra'], /too many arguments|extra/],
    [['--workers', '2'], /--transport redis/],
    [['--kill'], /--transport redis/],
  ])('%j are refused with what would do', (args, message) => {
    expect(() => parseOptions(args)).toThrow(message);
  });
});
