import { Command, CommanderError, InvalidArgumentError, Option } from 'commander';
import { type BrokerName, brokerNames } from './places.ts';
import { Problem } from './problem.ts';

export interface FlightOptions {
  readonly transport: 'memory' | BrokerName;
  readonly redisUrl: string;
  readonly rabbitmqUrl: string;
  readonly kafkaServers: string;
  /** A path, or the name of a file of the vega-datasets package. */
  readonly input: string;
  /** Most records to read; undefined reads all. */
  readonly limit?: number;
  /** Consumer processes of one group. */
  readonly workers: number;
  readonly kill: boolean;
  readonly seed: number;
  /** Show the run in a page, and begin once that is open. */
  readonly inspect: boolean;
  /** Most events published a second; undefined for as many as go. */
  readonly rate?: number;
}

const watchableRate = 1000;

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
  // At full speed there would be nothing to watch.
  return options.inspect ? { rate: watchableRate, ...options } : options;
}

function refuseWhatDoesNotGoTogether(options: FlightOptions): void {
  if (options.transport === 'memory' && options.workers > 1) {
    throw new Problem(
      `--workers ${options.workers} needs a broker that processes can share: the in-memory bus lives in one. ` +
        'Add --transport redis, rabbitmq or kafka, or leave --workers out.',
    );
  }
  if (options.transport === 'memory' && options.kill) {
    throw new Problem(
      '--kill kills a worker process, and the in-memory bus has none. Add --transport redis, rabbitmq or kafka.',
    );
  }
}

function flightsCommand(): Command {
  return new Command('flights')
    .description('Turns real flights into events, and handles them on a Buschart bus.')
    .addOption(new Option('--transport <name>', 'bus').choices(['memory', ...brokerNames]).default('memory'))
    .addOption(
      new Option('--redis-url <url>', 'Redis 6.2 or newer')
        .env('REDIS_URL')
        .argParser(urlOf('redis', 'redis://127.0.0.1:6379'))
        .default('redis://127.0.0.1:6379'),
    )
    .addOption(
      new Option('--rabbitmq-url <url>', 'RabbitMQ 3.8 or newer')
        .env('RABBITMQ_URL')
        .argParser(urlOf('amqp', 'amqp://127.0.0.1:5672'))
        .default('amqp://guest:guest@127.0.0.1:5672'),
    )
    .addOption(
      new Option('--kafka-servers <list>', 'host:port of a Kafka, several parted by commas')
        .env('KAFKA_BOOTSTRAP_SERVERS')
        .default('127.0.0.1:9092'),
    )
    .option(
      '--input <file>',
      'JSON array or .parquet: a path, or a file of vega-datasets',
      'flights-10k.json',
    )
    .option('--limit <n>', 'read only the first n records', wholeNumberFrom(1))
    .option('--workers <n>', 'consumer processes of one group, on a broker', wholeNumberFrom(1), 1)
    .option('--kill', 'SIGKILL one worker midway and start another, on a broker', false)
    .option('--seed <n>', 'decides which notifications fail', wholeNumberFrom(0), 1)
    .option('--inspect', 'watch it in a page: prints its URL, and begins when it is open', false)
    .option('--rate <n>', 'publish at most n events a second (1000 with --inspect)', wholeNumberFrom(1))
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

/** A URL of that scheme, with or without TLS. */
function urlOf(scheme: string, example: string): (text: string) => string {
  return (text) => {
    if (!URL.canParse(text) || ![`${scheme}:`, `${scheme}s:`].includes(new URL(text).protocol))
      throw new InvalidArgumentError(`It must look like ${example} or ${scheme}s://host:port.`);
    return text;
  };
}
