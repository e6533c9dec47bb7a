import type { DomainEvent } from 'buschart';
import type { Fact, Journal } from './journal.ts';

/** Hears every event. A log, not a projection: what is delivered twice stands in it twice. */
export class AuditLog {
  /** Entries by event type. */
  readonly entries = new Map<string, number>();
  readonly #journal: Journal;

  constructor(journal: Journal) {
    this.#journal = journal;
  }

  async handle(event: DomainEvent): Promise<void> {
    const fact = ['audited', event.eventId, event.eventType] as const;
    await this.#journal.append(fact);
    this.apply(fact);
  }

  apply([, , eventType]: Fact & readonly ['audited', ...unknown[]]): void {
    this.entries.set(eventType, (this.entries.get(eventType) ?? 0) + 1);
  }

  get size(): number {
    return [...this.entries.values()].reduce((sum, count) => sum + count, 0);
  }
}
