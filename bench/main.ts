import { writeFile } from 'node:fs/promises';
import { Command, InvalidArgumentError } from 'commander';
import { format, resolveConfig } from 'prettier';
import { openBroker, type BenchBroker } from './broker.ts';
import { hold, type Result } from './contest.ts';
import { plotOf } from './plot.ts';
import { pageOf, tableOf } from './report.ts';
import { contests } from './rows.ts';
import { surroundings } from './surroundings.ts';

interface Options {
  readonly json?: boolean;
  readonly write?: boolean;
  readonly only?: RegExp;
  readonly rounds: number;
}

const DOCS = new URL('../docs/', import.meta.url);
const NOWHERE = { url: '', prefix: '' };

const { json, write, only, rounds } = new Command('bench')
  .description('Compares the bus with what one writes by hand. Exits with 1 when a row misses its bar.')
  .option('--json', 'print the results as JSON')
  .option('--write', 'write docs/performance.md and its plot, from a run of everything')
  .option('--only <pattern>', 'contests whose name matches, such as "memory" or "redis consume"', toPattern)
  .option('--rounds <n>', 'how often each contestant runs', toCount, 5)
  .addHelpText('after', `\nContests: ${contests.map(({ name }) => name).join(', ')}`)
  .parse()
  .opts<Options>();

if (write === true && only !== undefined)
  throw new Error('--write needs a run of everything: leave --only out.');
const chosen = contests.filter(({ name }) => only?.test(name) ?? true);
const results: Result[] = [];
const descriptions: string[] = [];
for (const broker of new Set(chosen.map((contest) => contest.broker))) {
  // One at a time: an idle broker beside the one that is measured would take its share of the machine.
  const bench: BenchBroker | undefined = broker && (await openBroker(broker));
  try {
    for (const contest of chosen.filter((one) => one.broker === broker)) {
      if (json !== true) console.error(`${contest.name} …`);
      results.push(...(await hold(contest, rounds, bench ?? NOWHERE)));
    }
  } finally {
    await bench?.close();
  }
  if (bench !== undefined) descriptions.push(bench.description);
}
const around = await surroundings(descriptions);
console.log(json === true ? JSON.stringify({ ...around, rounds, results }, null, 2) : tableOf(results));
if (json !== true) for (const description of descriptions) console.log(description);
if (write === true) {
  const page = new URL('performance.md', DOCS);
  const style = await resolveConfig(page);
  await writeFile(page, await format(pageOf(results, around, rounds), { ...style, parser: 'markdown' }));
  await writeFile(new URL('performance.svg', DOCS), await plotOf(results));
}
if (results.some(({ passed }) => passed === false)) process.exitCode = 1;

function toPattern(text: string): RegExp {
  try {
    return new RegExp(text);
  } catch {
    throw new InvalidArgumentError('It is not a regular expression.');
  }
}

function toCount(text: string): number {
  const count = Number(text);
  if (!Number.isInteger(count) || count < 1) throw new InvalidArgumentError('It must be 1 or more.');
  return count;
}
