import type { DeadLetter, DrainReport } from 'buschart';
import Table from 'cli-table3';
import { differences, type Expected } from './expected.ts';
import type { FlightHandlers } from './handlers.ts';
import type { JobResult } from './job.ts';
import type { AirportTotals } from './projection.ts';

export interface Report {
  readonly text: string;
  /** Whether everything came out as in the plain loop. */
  readonly isEqual: boolean;
}

/** All that is printed at the end. */
export function createReport(
  result: JobResult,
  handlers: FlightHandlers,
  expected: Expected,
  notes: readonly string[],
): Report {
  const differing = differences(handlers.projection.airports, expected.airports);
  const checks = [
    check('projection equals the plain loop', differing.length === 0),
    check('every departure is in the ledger', handlers.ledger.accepted.size === expected.departures),
    check('every long delay was notified', handlers.notified.size === expected.notifications),
  ];
  const text = [
    'The ten busiest airports',
    busiestAirports(handlers.projection.airports),
    ...notes,
    describeAudit(handlers),
    describeRetries(handlers.notified),
    ...describeDeadLetters(result),
    `drained: ${describeDrain(result.drain)}`,
    ...checks.map(({ line }) => line),
    ...differing.slice(0, 10).map((line) => `  ${line}`),
  ].join('\n');
  return { text, isEqual: checks.every(({ holds }) => holds) };
}

export function describeDrain(report: DrainReport): string {
  const { settled, released, aborted, unpublished, timedOut } = report;
  const counts = `${settled} settled, ${released} released, ${aborted} aborted, ${unpublished} unpublished`;
  return `${counts}${timedOut ? ', out of time' : ''}`;
}

function check(what: string, holds: boolean) {
  return { holds, line: `${what}: ${holds ? 'yes' : 'no'}` };
}

function busiestAirports(airports: ReadonlyMap<string, AirportTotals>): string {
  const table = new Table({
    head: ['airport', 'flights', 'mean delay (min)'],
    colAligns: ['left', 'right', 'right'],
    style: { head: [], border: [] },
    // No lines between the rows.
    chars: { mid: '', 'left-mid': '', 'mid-mid': '', 'right-mid': '' },
  });
  const busiest = [...airports].sort(
    ([a, one], [b, other]) => other.flights - one.flights || (a < b ? -1 : 1),
  );
  for (const [airport, { flights, delayMinutes }] of busiest.slice(0, 10)) {
    table.push([airport, flights.toLocaleString('en'), (delayMinutes / flights).toFixed(1)]);
  }
  return table.toString();
}

function describeAudit({ audit, projection }: FlightHandlers): string {
  const repeated = audit.size - projection.events;
  return `audit log: ${audit.size} entries, ${repeated} of them for events delivered again`;
}

function describeRetries(notified: ReadonlyMap<string, number>): string {
  const retries = [...notified.values()].map((attempt) => attempt - 1).filter((count) => count > 0);
  const total = retries.reduce((sum, count) => sum + count, 0);
  return `retried: ${retries.length} of ${notified.size} notifications, with ${total} further attempts`;
}

function describeDeadLetters({ deadLetters, replay, left }: JobResult): string[] {
  const groups = new Map<string, number>();
  for (const letter of deadLetters) {
    const line = describeLetter(letter);
    groups.set(line, (groups.get(line) ?? 0) + 1);
  }
  return [
    `dead-lettered: ${deadLetters.length}`,
    ...[...groups].map(([line, count]) => `  ${count} × ${line}`),
    `handlers repaired; replayed: ${replay.replayed}, still dead letters: ${left}`,
  ];
}

function describeLetter({ reason, failedHandlers, error }: DeadLetter): string {
  return `${reason}: ${failedHandlers.map(({ name }) => name).join(', ')} (${error.message})`;
}
