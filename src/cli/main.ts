#!/usr/bin/env node
import { readFileSync } from 'node:fs';
import { Argument, Command, Option } from 'commander';
import { EventBusError } from '../errors.ts';
import { formats, machines, printed, written, type Format } from './machines.ts';

// The package's own, from dist/src/cli as from src/cli.
const { version } = JSON.parse(readFileSync(packageFile(), 'utf8')) as { version: string };

function packageFile(): URL {
  const isBuilt = import.meta.url.endsWith('.js');
  return new URL(isBuilt ? '../../../package.json' : '../../package.json', import.meta.url);
}

// `buschart machines | head` has read enough: that is no failure.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
  process.exit(0);
});

const program = new Command('buschart')
  .description('Statecharts of the Buschart event bus.')
  .version(version);

program
  .command('machines')
  .description('Print the statecharts of the bus and its parts, or write a file for each.')
  .addArgument(new Argument('[name...]', 'which machines; all when left out').choices([...machines.keys()]))
  .addOption(
    new Option(
      '-f, --format <format>',
      'Mermaid text, JSON for the editor of Stately, or an SVG picture (needs elkjs)',
    )
      .choices(formats)
      .default('mermaid'),
  )
  .option('-o, --out <folder>', 'write <folder>/<name>.mmd, .json or .svg instead of printing')
  .addHelpText(
    'after',
    `
Examples:
  buschart machines delivery                        a chart for a Markdown page
  buschart machines --format json                   one object, { "bus": { … }, … }
  buschart machines --format json --out charts      files to import into the editor of Stately
  buschart machines bus --format svg > bus.svg      a picture`,
  )
  .action(
    async (given: readonly string[], { format, out }: { format: Format; out?: string }, command: Command) => {
      const names = given.length === 0 ? [...machines.keys()] : [...new Set(given)];
      if (out !== undefined) {
        process.stdout.write(`${(await written(names, format, out)).join('\n')}\n`);
      } else if (format === 'svg' && names.length > 1) {
        command.error(
          'error: several pictures do not fit one file; name one machine, or a folder with --out',
        );
      } else process.stdout.write(await printed(names, format));
    },
  );

try {
  await program.parseAsync();
} catch (error) {
  if (!(error instanceof EventBusError) && (error as NodeJS.ErrnoException).syscall === undefined)
    throw error;
  program.error(`error: ${(error as Error).message}`);
}
