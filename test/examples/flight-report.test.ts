import { describe, expect, it } from 'vitest';
import { eventsOf } from '../../examples/flights/events.ts';
import { plainLoop } from '../../examples/flights/expected.ts';
import { FlightHandlers } from '../../examples/flights/handlers.ts';
import { readRows } from '../../examples/flights/input.ts';
import { noJournal } from '../../examples/flights/journal.ts';
import { checkRecords } from '../../examples/flights/records.ts';
import { createReport } from '../../examples/flights/report.ts';

const records = checkRecords(await readRows('flights-2k.json', 500));
const drain = { settled: 1, released: 2, aborted: 3, unpublished: 4, timedOut: false };
const result = { deadLetters: [], replay: { matched: 0, replayed: 0, failed: [] }, left: 0, drain };

/** Handlers that have done everything but what concerns the last `missing` events. */
async function handlersWithout(missing: number): Promise<FlightHandlers> {
  const handlers = new FlightHandlers(1, noJournal);
  handlers.repair();
  const events = records.flatMap(eventsOf);
  for (const event of events.slice(0, events.length - missing)) {
    await handlers.projection.handle(event);
    if (event.eventType === 'FlightDeparted') await handlers.ledger.handle(event);
    else if (event.delayMinutes > 60) handlers.apply(['notified', event.eventId, 1]);
  }
  return handlers;
}

describe('the report', () => {
  it('says yes three times when everything came out as in the plain loop', async () => {
    const report = createReport(result, await handlersWithout(0), plainLoop(records), []);
    expect(report.text.match(/: yes$/gm)).toHaveLength(3);
    expect(report.isEqual).toBe(true);
  });

  it('says no, and which airport differs, when one event is missing', async () => {
    const report = createReport(result, await handlersWithout(1), plainLoop(records), []);
    const destination = records.at(-1)?.destination;
    expect(report.text).toContain('projection equals the plain loop: no');
    expect(report.text).toContain(`  ${destination}: `);
    expect(report.isEqual).toBe(false);
  });

  it('lists ten airports, the busiest first, and the drain', async () => {
    const { text } = createReport(result, await handlersWithout(0), plainLoop(records), []);
    const flights = [...text.matchAll(/│ [A-Z]{3} +│ +(\d+) │/g)].map((match) => Number(match[1]));
    expect(flights).toHaveLength(10);
    expect(flights).toEqual([...flights].sort((a, b) => b - a));
    expect(text).toContain('drained: 1 settled, 2 released, 3 aborted, 4 unpublished');
  });
});
