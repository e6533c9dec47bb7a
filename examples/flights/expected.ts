import { longDelayMinutes } from './notifier.ts';
import type { AirportTotals } from './projection.ts';
import type { FlightRecord } from './records.ts';

/** What must come out, whatever happened on the way. */
export interface Expected {
  readonly airports: ReadonlyMap<string, AirportTotals>;
  readonly departures: number;
  readonly notifications: number;
}

/** The whole job as a plain loop over the file: no bus, no events. */
export function plainLoop(records: readonly FlightRecord[]): Expected {
  const airports = new Map<string, AirportTotals>();
  let notifications = 0;
  for (const { origin, destination, delay } of records) {
    for (const airport of [origin, destination]) {
      const before = airports.get(airport) ?? { flights: 0, delayMinutes: 0 };
      airports.set(airport, { flights: before.flights + 1, delayMinutes: before.delayMinutes + delay });
    }
    if (delay > longDelayMinutes) notifications++;
  }
  return { airports, departures: records.length, notifications };
}

/** One line for each airport that differs; none when the two are equal. */
export function differences(
  actual: ReadonlyMap<string, AirportTotals>,
  expected: ReadonlyMap<string, AirportTotals>,
): readonly string[] {
  const airports = [...new Set([...actual.keys(), ...expected.keys()])].sort();
  return airports.flatMap((airport) => {
    const [is, should] = [describe(actual.get(airport)), describe(expected.get(airport))];
    return is === should ? [] : [`${airport}: ${is}, expected ${should}`];
  });
}

function describe(totals: AirportTotals | undefined): string {
  return totals === undefined ? 'no flights' : `${totals.flights} flights, ${totals.delayMinutes} minutes`;
}
