import { afterAll, beforeAll, describe, it } from 'vitest';
import type { TransportHarness } from './harness.ts';
import { abilityScenarios } from './scenarios/abilities.ts';
import { deadLetterScenarios } from './scenarios/dead-letters.ts';
import { deliveryScenarios } from './scenarios/delivery.ts';
import { drainScenarios } from './scenarios/drain.ts';
import { groupScenarios } from './scenarios/groups.ts';
import { lifecycleScenarios } from './scenarios/lifecycle.ts';
import { orderScenarios } from './scenarios/order.ts';
import { poisonScenarios } from './scenarios/poison.ts';
import { retryScenarios } from './scenarios/retry.ts';
import type { Scenarios } from './scenarios/scenario.ts';
import { Stage } from './stage.ts';

export interface SuiteOptions {
  /** Chooses what the tests leave to chance; printed with a failure (1). */
  readonly seed?: number;
  /** Ten times the events; by default as the variable `BUSCHART_FULL` says, which is set to 1 for it. */
  readonly isFull?: boolean;
}

const groups: readonly Scenarios[] = [
  abilityScenarios,
  deliveryScenarios,
  groupScenarios,
  orderScenarios,
  retryScenarios,
  deadLetterScenarios,
  poisonScenarios,
  drainScenarios,
  lifecycleScenarios,
];

/**
 * Declares the tests that every transport has to pass: call it at the top of a vitest test file. Each test writes down
 * every attempt of every handler, and is held at its end against the same invariants I1 to I6 of docs/architecture.md;
 * its buses must have stopped, and no socket and no timer may be left.
 */
export function describeTransport(name: string, harness: TransportHarness, options: SuiteOptions = {}): void {
  const { seed = 1, isFull = process.env['BUSCHART_FULL'] === '1' } = options;
  const size = isFull ? 10 : 1;
  describe(`${name} conforms`, () => {
    beforeAll(() => harness.start?.());
    afterAll(() => harness.stop?.());
    for (const { theme, scenarios } of groups)
      describe(theme, () => {
        for (const [index, scenario] of scenarios(harness).entries())
          it(scenario.sentence, { timeout: 30_000 * size }, async ({ onTestFailed }) => {
            onTestFailed(() => console.error(`Seed of the conformance suite: ${seed}`));
            const stage = new Stage(harness, `${theme.split(/\W/)[0]?.toLowerCase()}${index}`, seed);
            try {
              await stage.verify((await scenario.play(stage, size)) ?? {});
            } finally {
              await stage.close();
            }
          });
      });
  });
}
