/** Plain running numbers of one bus since its start or the last reset; one meaning on every bus. */
export interface Stats {
  /** Confirmed by the broker; in memory: handed to the handlers. */
  eventsPublished: number;
  /** Of those published with `onUnroutable: 'warn'`: nothing was bound to their route, so nobody gets them. */
  eventsUnroutable: number;
  /** Deliveries whose handlers were started. */
  eventsConsumed: number;
  /** Deliveries nobody here knows or wants. */
  eventsIgnored: number;
  /** Attempts that succeeded. */
  handlersInvoked: number;
  /** Attempts that failed. */
  handlerErrors: number;
  /** Further attempts begun. */
  retries: number;
  /** Deliveries stored as dead letters. */
  deadLettered: number;
  /** Deliveries given up on without a dead letter, and dead letters pushed out by newer ones. */
  dropped: number;
  /** Deliveries given back to the broker. */
  released: number;
  /** Deliveries lost to another consumer before they were settled. */
  abandoned: number;
  /** Attempts that ignored their abort signal for the whole grace time, and were written off. */
  zombieHandlers: number;
  backgroundTasksCreated: number;
  backgroundTasksCompleted: number;
  reconnections: number;
  /** Deliveries begun and not settled; a gauge, not reset. */
  inFlight: number;
}
