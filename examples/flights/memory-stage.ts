import { type DrainReport, InMemoryEventBus, type ReplayReport } from 'buschart';
import type { FlightEvent } from './events.ts';
import { FlightHandlers } from './handlers.ts';
import { noJournal } from './journal.ts';
import { logger } from './logger.ts';
import { retryDelayMs, type Stage } from './stage.ts';

/** Everything in this process. */
export class MemoryStage implements Stage {
  readonly bus: InMemoryEventBus;
  readonly handlers: FlightHandlers;
  readonly notes: readonly string[] = [];

  /** @param maxDeadLetters As many as could be needed: the oldest would be dropped. */
  constructor(seed: number, maxDeadLetters: number) {
    this.bus = new InMemoryEventBus({
      maxDeadLetters,
      retry: { maxRetries: 3, baseDelayMs: retryDelayMs },
      logger,
    });
    this.handlers = new FlightHandlers(seed, noJournal);
    this.handlers.subscribe(this.bus);
  }

  publish(events: readonly FlightEvent[]): Promise<void> {
    return this.bus.publish(events);
  }

  settled(): Promise<void> {
    return this.bus.idle();
  }

  async replay(): Promise<ReplayReport> {
    const report = await this.bus.deadLetters.replayAll();
    await this.bus.idle();
    return report;
  }

  async repair(): Promise<void> {
    this.handlers.repair();
  }

  drain(): Promise<DrainReport> {
    return this.bus.shutdown();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.bus.shutdown();
  }
}
