import { Command, CommanderError, InvalidArgumentError, Option } from 'commander';
import type { PlaceName } from '../support/bus-places.ts';

export const transports = ['memory', 'redis', 'rabbitmq', 'kafka'] as const satisfies readonly PlaceName[];

export interface SoakOptions {
  readonly transport: PlaceName | 'all';
  /** Of all transports together. */
  readonly minutes: number;
  /** Of each transport; undefined for as many as there is time for. */
  readonly commands?: number;
  readonly perWalk: number;
  readonly seed: number;
  /** Repeat one walk that failed. */
  readonly path?: string;
  readonly replay?: string;
  readonly shrinks: number;
}

/** What is wrong with the command line, in words for the user. */
export class WrongOptions extends Error {}

/**
 * Reads the command line; undefined when help was asked for, and printed.
 * @throws {WrongOptions}
 */
export function parseOptions(args: readonly string[], anySeed: () => number): SoakOptions | undefined {
  const command = soakCommand(anySeed);
  try {
    command.parse([...args], { from: 'user' });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    if (error.exitCode === 0) return undefined;
    throw new WrongOptions(error.message.replace(/^error: /, ''));
  }
  const options = command.opts<SoakOptions>();
  if ((options.path === undefined) !== (options.replay === undefined))
    throw new WrongOptions('--path and --replay belong together, as a failed walk was printed with them.');
  if (options.path !== undefined && options.transport === 'all')
    throw new WrongOptions('--path repeats one walk of one transport: name it with --transport.');
  return options;
}

function soakCommand(anySeed: () => number): Command {
  return new Command('npm run test:soak --')
    .description(
      'Random walks of commands and faults on brokers of its own, until the time is up or one fails.',
    )
    .addOption(new Option('--transport <name>', 'which bus').choices([...transports, 'all']).default('all'))
    .option('--minutes <n>', 'for how long, all transports together', positive, 10)
    .option('--commands <n>', 'end earlier, after so many commands on each', wholeNumberFrom(1))
    .option('--per-walk <n>', 'commands that are drawn for one walk, at most', wholeNumberFrom(1), 30)
    .addOption(
      new Option('--seed <n>', 'of the first walk, 0 to 2147483647')
        .argParser(toSeed)
        .default(anySeed(), 'any'),
    )
    .option('--path <path>', 'repeat one walk, as it was printed')
    .option('--replay <path>', 'belongs to --path')
    .option('--shrinks <n>', 'walks that shrinking a failed one may take', wholeNumberFrom(0), 40)
    .allowExcessArguments(false)
    .configureOutput({ writeErr: () => undefined })
    .exitOverride();
}

function positive(text: string): number {
  const value = Number(text);
  if (text.trim() !== '' && value > 0 && Number.isFinite(value)) return value;
  throw new InvalidArgumentError('It must be a number above 0.');
}

function wholeNumberFrom(least: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (/^\d+$/.test(text) && Number.isSafeInteger(value) && value >= least) return value;
    throw new InvalidArgumentError(`It must be a whole number, ${least} or more.`);
  };
}

function toSeed(text: string): number {
  const value = wholeNumberFrom(0)(text);
  if (value < 2 ** 31) return value;
  throw new InvalidArgumentError('It must be below 2147483648.');
}
