import { Command, CommanderError, InvalidArgumentError, Option } from 'commander';
import { Problem } from './problem.ts';

export interface FlightOptions {
  readonly transport: 'memory' | 'redis';
  readonly redisUrl: string;
  /** A path, or the name of a file of the vega-datasets package. */
  readonly input: string;
  /** Most records to read; undefined reads all. */
  readonly limit?: number;
  /** Consumer processes of one group. */
  readonly workers: number;
  readonly kill: boolean;
  readonly seed: number;
}

/**
 * Reads the command line; undefined when help was asked for, and printed.
 * @throws {Problem} when an option is unknown, has a wrong value, or doesn't go with another.
 */
export function parseOptions(args: readonly string[]): FlightOptions | undefined {
  const command = flightsCommand();
  try {
    command.parse([...args], { from: 'user' });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    if (error.exitCode === 0) return undefined;
    throw new Problem(`${error.message.replace(/^error: /, '')}\nSee all options with: npm start -- --help`);
  }
  const options = command.opts<FlightOptions>();
  refuseWhatDoesNotGoTogether(options);
  return options;
}

function refuseWhatDoesNotGoTogether(options: FlightOptions): void {
  if (options.transport === 'memory' && options.workers > 1) {
    throw new Problem(
      `--workers ${options.workers} needs a broker that processes can share: the in-memory bus lives in one. ` +
        'Add --transport redis, or leave --workers out.',
    );
  }
  if (options.transport === 'memory' && options.kill) {
    throw new Problem(
      '--kill kills a worker process, and the in-memory bus has none. Add --transport redis.',
    );
  }
}

function flightsCommand(): Command {
  return new Command('flights')
    .description('Turns real flights into events, and handles them on a Buschart bus.')
    .addOption(new Option('--transport <name>', 'bus').choices(['memory', 'redis']).default('memory'))
    .addOption(
      new Option('--redis-url <url>', 'Redis 6.2 or newer')
        .env('REDIS_URL')
        .argParser(redisUrl)
        .default('redis://127.0.0.1:6379'),
    )
    .option(
      '--input <file>',
      'JSON array or .parquet: a path, or a file of vega-datasets',
      'flights-10k.json',
    )
    .option('--limit <n>', 'read only the first n records', wholeNumberFrom(1))
    .option('--workers <n>', 'consumer processes of one group (redis)', wholeNumberFrom(1), 1)
    .option('--kill', 'SIGKILL one worker midway and start another (redis)', false)
    .option('--seed <n>', 'decides which notifications fail', wholeNumberFrom(0), 1)
    .allowExcessArguments(false)
    .configureOutput({ writeErr: () => undefined })
    .exitOverride();
}

function wholeNumberFrom(least: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (!/^\d+$/.test(text) || !Number.isSafeInteger(value) || value < least) {
      throw new InvalidArgumentError(`It must be a whole number, ${least} or more.`);
    }
    return value;
  };
}

function redisUrl(text: string): string {
  if (!URL.canParse(text) || !/^rediss?:$/.test(new URL(text).protocol)) {
    throw new InvalidArgumentError('It must look like redis://127.0.0.1:6379 or rediss://host:port.');
  }
  return text;
}
