import Table from 'cli-table3';
import type { PlaceName } from '../support/bus-places.ts';
import type { SoakFailure, SoakTotals } from './soak.ts';

/** What failed, step by step, and how to see it again. */
export function failureText(
  transport: PlaceName,
  perWalk: number,
  { seed, path, replayPath, commands, commandsBefore, shrinks, problem }: SoakFailure,
): string {
  const again = `npm run test:soak -- --transport ${transport} --seed ${seed} --per-walk ${perWalk}`;
  return [
    `${transport}: a walk failed. Its ${commandsBefore} commands are shrunk to ${commands.length}, in ${shrinks} further walks:`,
    ...commands.map((words, at) => `  ${at + 1}. ${words}`),
    'Then everything was mended and left to settle, and there was this wrong:',
    ...problem.split('\n').map((line) => `  ${line}`),
    'To walk it again, shrunk and whole:',
    `  ${again} --path ${path} --replay ${replayPath}`,
    `  ${again} --commands 1`,
  ].join('\n');
}

/** One row for each transport. */
export function summaryText(rows: readonly SoakTotals[]): string {
  const table = new Table({
    head: [
      'transport',
      'walks',
      'commands',
      'faults',
      'events',
      'handled',
      'dead letters',
      'handled again',
      'may be',
      'stored twice',
    ],
    colAligns: ['left', ...Array.from({ length: 9 }, () => 'right' as const)],
    style: { head: [], border: [] },
  });
  for (const row of rows)
    table.push([
      row.transport,
      row.walks,
      row.commands,
      row.faults,
      row.events,
      row.handled,
      row.deadLettered,
      row.redelivered,
      row.excused,
      row.storedTwice,
    ]);
  return table.toString();
}
