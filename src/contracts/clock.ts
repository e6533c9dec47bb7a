/** Time as an input, so that no test has to sleep. The default is the process's own. */
export interface Clock {
  /** Milliseconds since the epoch. */
  now(): number;
  /** Milliseconds since any moment, for spans: goes on evenly when somebody sets the time. `now()` where it isn't there. */
  elapsed?(): number;
  setTimeout(callback: (...args: unknown[]) => void, delayMs: number): unknown;
  clearTimeout(handle: unknown): void;
}
