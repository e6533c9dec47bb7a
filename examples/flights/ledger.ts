import { NonRetryableError } from 'buschart';
import type { FlightDeparted } from './events.ts';
import type { Fact, Journal } from './journal.ts';

/** What the ledger's form has room for, until it is repaired: four hours. */
export const formMinutes = 240;

/**
 * Files every departure with its delay. Its form has no room for more than four hours: trying again would not
 * help, so such a flight goes to the dead letters at once.
 */
export class DelayLedger {
  readonly accepted = new Set<string>();
  readonly #journal: Journal;
  #maxMinutes = formMinutes;

  constructor(journal: Journal) {
    this.#journal = journal;
  }

  async handle(event: FlightDeparted): Promise<void> {
    if (event.delayMinutes > this.#maxMinutes) {
      throw new NonRetryableError(`the form has no room for a delay of over ${this.#maxMinutes} minutes`);
    }
    const fact = ['accepted', event.eventId] as const;
    await this.#journal.append(fact);
    this.apply(fact);
  }

  apply([, eventId]: Fact & readonly ['accepted', ...unknown[]]): void {
    this.accepted.add(eventId);
  }

  /** From now on there is room for any delay. */
  repair(): void {
    this.#maxMinutes = Infinity;
  }
}
