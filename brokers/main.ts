import { relative, resolve } from 'node:path';
import { Argument, Command, InvalidArgumentError } from 'commander';
import type { DevelopmentBroker } from './development.ts';
import { developmentBrokers, portCount } from './development-brokers.ts';
import { brokersFolder } from './programs.ts';
import { type BrokerName, recipes } from './recipes.ts';

/**
 * `npm run brokers -- up|down|status [names]`. What is for a shell goes to standard output, the rest to standard error.
 */

interface Options {
  readonly folder: string;
  readonly ports: number;
}

const names = Object.keys(recipes) as BrokerName[];
const width = Math.max(...names.map((name) => name.length));
const say = (name: BrokerName, words: string) => console.error(`${name.padEnd(width)}  ${words}`);

const interrupt = new AbortController();
for (const [signal, exitCode] of [
  ['SIGINT', 130],
  ['SIGTERM', 143],
] as const) {
  process.once(signal, () => {
    process.exitCode = exitCode;
    interrupt.abort();
    // What can't be interrupted, such as Maven at work, isn't waited for.
    setTimeout(() => process.exit(), 3_000).unref();
  });
}

const command = new Command('npm run brokers --')
  .description('Runs private brokers for development, which outlive this command. No names mean all.')
  .option('--folder <folder>', 'where their data and logs lie', brokersFolder)
  .option('--ports <first>', `the first of the ${portCount} ports that they take`, toPort, 17370)
  .addHelpText(
    'after',
    `\nBrokers: ${names.join(', ')}. To start over with empty ones: down, and remove their folders.`,
  );
const some = () => new Argument('[names...]').choices(names);

command
  .command('up')
  .description('start them, and print the environment that the tests and examples take them from')
  .addArgument(some())
  .action(async (chosen: BrokerName[]) => {
    const up = await forEach(chosen, async (broker, name) => {
      const isNew = await broker.up(interrupt.signal);
      const place = relative(process.cwd(), broker.folder) || '.';
      say(name, `${isNew ? 'is up' : 'was up already'} (process ${broker.pid}, data and log in ${place})`);
    });
    const brokers = chosenBrokers();
    for (const name of up) console.log(`export ${recipes[name].urlVariable}=${brokers[name].url}`);
    if (up.length > 0) console.error('To set these in a shell: eval "$(npm run --silent brokers -- up)"');
  });

command
  .command('down')
  .description('end them, and keep their data')
  .addArgument(some())
  .action(async (chosen: BrokerName[]) => {
    await forEach(chosen, async (broker, name) => {
      say(name, (await broker.down()) ? 'is down' : 'was down already');
    });
  });

command
  .command('status')
  .description('tell which are up; exits with 1 when one of them is not')
  .addArgument(some())
  .action(async (chosen: BrokerName[]) => {
    const words = { up: 'up', silent: 'runs, but does not answer', down: 'down' };
    await forEach(chosen, async (broker, name) => {
      const standing = await broker.standing();
      if (standing !== 'up') process.exitCode ??= 1;
      const details = broker.pid === undefined ? '' : ` at ${broker.url} (process ${broker.pid})`;
      console.log(`${name.padEnd(width)}  ${words[standing]}${details}`);
    });
  });

await command.parseAsync();

/** Those that `act` succeeded on; of the others it's said why not, and the command fails. */
async function forEach(
  chosen: readonly BrokerName[],
  act: (broker: DevelopmentBroker, name: BrokerName) => Promise<void>,
): Promise<readonly BrokerName[]> {
  const brokers = chosenBrokers();
  const wanted = names.filter((name) => chosen.length === 0 || chosen.includes(name));
  const outcomes = await Promise.all(
    wanted.map((name) =>
      act(brokers[name], name).then(
        () => [name],
        (error: unknown) => {
          process.exitCode ??= 1;
          const reason = interrupt.signal.aborted ? 'interrupted' : (error as Error).message;
          say(name, reason);
          return [];
        },
      ),
    ),
  );
  return outcomes.flat();
}

function chosenBrokers(): Record<BrokerName, DevelopmentBroker> {
  const { folder, ports } = command.opts<Options>();
  return developmentBrokers(resolve(folder), ports);
}

function toPort(text: string): number {
  const port = Number(text);
  if (Number.isInteger(port) && port > 0 && port + portCount <= 65_536) return port;
  throw new InvalidArgumentError(`It is not the first of ${portCount} ports.`);
}
