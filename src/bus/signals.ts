import { constants } from 'node:os';
import type { DrainReport } from '../../machines/index.ts';
import type { EventBus } from './api.ts';

export interface StopOnSignalsOptions {
  /** Those that stop the buses (SIGTERM and SIGINT). */
  readonly signals?: readonly NodeJS.Signals[];
  /** Milliseconds that the buses may take (as for `shutdown`). */
  readonly timeoutMs?: number;
  /** Ends the process once the buses have stopped: with 0, or with 1 when one was timed out or failed to stop (true). */
  readonly exit?: boolean;
  /** For tests (the process itself). */
  readonly process?: SignalledProcess;
}

/** The part of `process` that is used. */
export interface SignalledProcess {
  on(signal: NodeJS.Signals, listener: (signal: NodeJS.Signals) => void): unknown;
  off(signal: NodeJS.Signals, listener: (signal: NodeJS.Signals) => void): unknown;
  exit(code: number): void;
}

/** What {@link stopOnSignals} has begun; disposing it takes its listeners away. */
export interface Stopping extends Disposable {
  /** Settles when a signal came and all buses have stopped: their reports, in order. Rejects if one failed to. */
  readonly stopped: Promise<readonly DrainReport[]>;
}

/**
 * Shuts the buses down when the process is asked to end: what runs ends, what waits is given back. A second signal ends the
 * process at once, with 128 and the signal's number, as it would have ended without this.
 */
export function stopOnSignals(
  buses: EventBus | readonly EventBus[],
  options: StopOnSignalsOptions = {},
): Stopping {
  const all = Array.isArray(buses) ? (buses as readonly EventBus[]) : [buses as EventBus];
  const { signals = ['SIGTERM', 'SIGINT'], timeoutMs, exit = true, process: own = process } = options;
  let begin: (reports: Promise<readonly DrainReport[]>) => void = () => undefined;
  const stopped = new Promise<readonly DrainReport[]>((resolve) => (begin = resolve));
  // Whoever doesn't look at it must not be ended by it.
  stopped.catch(() => undefined);
  let isStopping = false;
  const listener = (signal: NodeJS.Signals): void => {
    if (isStopping) return own.exit(128 + constants.signals[signal]);
    isStopping = true;
    const stopping = Promise.all(
      all.map((bus) => bus.shutdown(timeoutMs === undefined ? {} : { timeoutMs })),
    );
    begin(stopping);
    if (exit)
      void stopping.then(
        (reports) => own.exit(reports.some(({ timedOut }) => timedOut) ? 1 : 0),
        () => own.exit(1),
      );
  };
  for (const signal of signals) own.on(signal, listener);
  const dispose = (): void => {
    for (const signal of signals) own.off(signal, listener);
  };
  return { stopped, [Symbol.dispose]: dispose };
}
