import { readFileSync, writeFileSync } from 'node:fs';
import { Command } from 'commander';
import { format, resolveConfig } from 'prettier';
import { faults } from './faults.ts';
import { judge, type Verdict } from './run.ts';

const PAGE = 'docs/testing.md';
const MARKS = /(?<=<!-- mutants -->)[^]*?(?=<!-- \/mutants -->)/;

/** `npm run test:mutants`: puts one fault after another into the machines, and fails unless a test notices each. */
const { only, write } = new Command('test:mutants')
  .option('--only <pattern>', 'faults whose name or file has this in it', '')
  .option('--write', `writes the table into ${PAGE}`)
  .parse()
  .opts<{ only: string; write?: true }>();

const chosen = faults.filter(({ name, file }) => `${name} ${file}`.includes(only));
if (chosen.length === 0 || (write === true && only !== '')) {
  console.error(
    chosen.length === 0 ? `No fault has "${only}" in it.` : '--write needs all faults: leave --only out.',
  );
  process.exit(2);
}
const started = performance.now();
const verdicts = await judge(chosen, ({ fault, killedBy, isTimeOut, seconds }) =>
  console.log(
    `${killedBy === undefined ? 'SURVIVED' : isTimeOut ? 'timed out' : 'killed'}  ${seconds.toFixed(1)} s  ${fault.file}: ${fault.name}${killedBy === undefined ? '' : ` ← ${killedBy}`}`,
  ),
);
const seconds = Math.round((performance.now() - started) / 1000);
const survivors = verdicts.filter(({ killedBy }) => killedBy === undefined);
console.log(`\n${verdicts.length - survivors.length} of ${verdicts.length} faults killed, in ${seconds} s`);
for (const { fault } of survivors) console.error(`No test notices: ${fault.name} (${fault.file})`);
if (survivors.length > 0) process.exitCode = 1;
else if (write === true) await writeTable(verdicts);

async function writeTable(rows: readonly Verdict[]): Promise<void> {
  const cell = (text: string): string => text.replaceAll('|', '\\|').replaceAll('<', '&lt;');
  const table = [
    `${rows.length} faults, all killed, in ${seconds} s; ${rows.filter(({ isTimeOut }) => isTimeOut).length} of them by a test that timed out.`,
    '',
    '| fault | file | killed by | seconds |',
    '| --- | --- | --- | --: |',
    ...rows.map(
      ({ fault, killedBy = '', isTimeOut, seconds: took }) =>
        `| ${cell(fault.name)} | \`${fault.file}\` | ${isTimeOut ? 'time-out: ' : ''}${cell(killedBy)} | ${took.toFixed(1)} |`,
    ),
  ].join('\n');
  const page = readFileSync(PAGE, 'utf8').replace(MARKS, () => `\n\n${table}\n\n`);
  writeFileSync(PAGE, await format(page, { ...(await resolveConfig(PAGE)), parser: 'markdown' }));
}
