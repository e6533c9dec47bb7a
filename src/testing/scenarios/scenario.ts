import type { TransportHarness } from '../harness.ts';
import type { Expectations, Stage } from '../stage.ts';

/** One test. What it returns is held against what happened. */
export interface Scenario {
  readonly sentence: string;
  /** @param size Factor for the numbers of events: 1, or 10 in full mode. */
  play(stage: Stage, size: number): Promise<Expectations | void>;
}

/** The tests of one theme that fit the abilities declared. */
export interface Scenarios {
  /** Names the invariants that its tests are about. */
  readonly theme: string;
  scenarios(harness: TransportHarness): readonly Scenario[];
}

/** Short for the list of tests below. */
export function scenario(sentence: string, play: Scenario['play']): Scenario {
  return { sentence, play };
}

/** Opened by the test; what waits for it goes on then. */
export class Gate {
  readonly passed: Promise<void>;
  #open: () => void = () => undefined;
  constructor() {
    this.passed = new Promise((resolve) => (this.#open = resolve));
  }
  open(): void {
    this.#open();
  }
}
