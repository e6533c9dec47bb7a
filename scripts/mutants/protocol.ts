import type { Fault } from './fault.ts';

/** What a worker is asked: to run `tests` with the fault in, if there is one. */
export interface Question {
  readonly fault: Fault | undefined;
  readonly tests: readonly string[];
}

/** What came of it. */
export interface Answer {
  /** The first test that failed, with its suites. */
  readonly failed: string | undefined;
  /** Nothing it expects was wrong: it waited for what never came. */
  readonly isTimeOut: boolean;
  /** Why tests couldn't run at all; undefined when they could. */
  readonly broken: string | undefined;
}
