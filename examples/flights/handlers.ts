import type { EventBus } from 'buschart';
import { AuditLog } from './audit.ts';
import { FlightArrived, FlightDeparted } from './events.ts';
import type { Fact, Journal } from './journal.ts';
import { DelayLedger } from './ledger.ts';
import { createNotifier } from './notifier.ts';
import { AirportProjection } from './projection.ts';

/** The four handlers of the example: one for each way to subscribe. */
export class FlightHandlers {
  readonly projection: AirportProjection;
  readonly ledger: DelayLedger;
  readonly audit: AuditLog;
  /** Attempt on which each notification went out, by event id. */
  readonly notified = new Map<string, number>();
  readonly #notifier: ReturnType<typeof createNotifier>;
  #repaired = false;

  /** @param seed Decides which notifications fail. */
  constructor(seed: number, journal: Journal) {
    this.projection = new AirportProjection(journal);
    this.ledger = new DelayLedger(journal);
    this.audit = new AuditLog(journal);
    this.#notifier = createNotifier({
      seed,
      journal,
      isRepaired: () => this.#repaired,
      onNotified: (eventId, attempt) => this.apply(['notified', eventId, attempt]),
    });
  }

  subscribe(bus: EventBus): void {
    bus.subscribeAll(this.projection);
    bus.subscribe(FlightArrived, this.#notifier);
    bus.subscribe(FlightDeparted, this.ledger);
    bus.subscribeToAllEvents(this.audit);
  }

  /** Takes over what the same handlers did in another process. */
  apply(fact: Fact): void {
    switch (fact[0]) {
      case 'counted':
        return this.projection.apply(fact);
      case 'accepted':
        return this.ledger.apply(fact);
      case 'audited':
        return this.audit.apply(fact);
      case 'notified':
        // An event delivered again runs through the same attempts; the first message is the one that counts.
        if (!this.notified.has(fact[1])) this.notified.set(fact[1], fact[2]);
    }
  }

  /** Events for which a handler that may fail didn't. */
  get successes(): number {
    return this.ledger.accepted.size + this.notified.size;
  }

  /** Mends whatever makes handlers fail here. */
  repair(): void {
    this.#repaired = true;
    this.ledger.repair();
  }
}
