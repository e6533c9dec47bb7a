import type { BrokerEventBus, DrainReport, ReplayReport } from 'buschart';
import type { FlightEvent } from './events.ts';
import type { FlightHandlers } from './handlers.ts';

/** Where the job runs: what differs between one process in memory and many on a broker. */
export interface Stage extends AsyncDisposable {
  readonly bus: BrokerEventBus;
  /** What the handlers did so far, in whichever process. */
  readonly handlers: FlightHandlers;
  /** Waits while the handlers are too far behind. */
  publish(events: readonly FlightEvent[]): Promise<void>;
  /** Settles when every event published so far is handled or a dead letter. */
  settled(): Promise<void>;
  /** Replays all dead letters; settles when each has been handled or is a dead letter again. */
  replay(): Promise<ReplayReport>;
  /** Settles when no handler anywhere fails any more. */
  repair(): Promise<void>;
  /** Ends all handling; reports of several processes are added up. */
  drain(): Promise<DrainReport>;
  /** One sentence for each thing that went on beside the job, such as a killed worker. */
  readonly notes: readonly string[];
}

/** Milliseconds before a failed handler's second attempt: short, because nothing here needs time to recover. */
export const retryDelayMs = 20;
