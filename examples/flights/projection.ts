import { FlightArrived, FlightDeparted, type FlightEvent } from './events.ts';
import type { Fact, Journal } from './journal.ts';

export interface AirportTotals {
  /** Departures and arrivals. */
  flights: number;
  /** Whole minutes over all flights: sums of integers can be compared exactly, means can't. */
  delayMinutes: number;
}

/** Flights and delays per airport. Deliveries may come twice, so each event id counts once. */
export class AirportProjection {
  readonly airports = new Map<string, AirportTotals>();
  readonly #counted = new Set<string>();
  readonly #journal: Journal;

  constructor(journal: Journal) {
    this.#journal = journal;
  }

  subscribedTo() {
    return [FlightDeparted, FlightArrived];
  }

  async handle(event: FlightEvent): Promise<void> {
    const fact = ['counted', event.eventId, event.aggregateId, event.delayMinutes] as const;
    await this.#journal.append(fact);
    this.apply(fact);
  }

  apply([, eventId, airport, delayMinutes]: Fact & readonly ['counted', ...unknown[]]): void {
    if (this.#counted.has(eventId)) return;
    this.#counted.add(eventId);
    const totals = this.airports.get(airport);
    if (totals === undefined) {
      this.airports.set(airport, { flights: 1, delayMinutes });
    } else {
      totals.flights += 1;
      totals.delayMinutes += delayMinutes;
    }
  }

  /** Distinct events counted. */
  get events(): number {
    return this.#counted.size;
  }
}
