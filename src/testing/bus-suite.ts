import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { BusOptions } from '../bus/options.ts';
import type { TransportHarness } from './harness.ts';
import { activeResources, leftovers, type Resources } from './leftovers.ts';
import { STATES, type ModelState } from './model/checks.ts';
import type { ModelEvent } from './model/happenings.ts';
import type { Promises } from './model/messages.ts';
import type { StageSettings } from './model/model-bus.ts';
import { defaultPathSets, type PathSet } from './model/path-sets.ts';
import { BusPaths, stateOfModel, stepsOf, type ModelPath } from './model/paths.ts';
import { steps } from './model/steps.ts';
import { Turnstile, walk } from './model/walk.ts';

export interface BusTestOptions {
  /** Chooses what is left to chance; printed with a failure (1). */
  readonly seed?: number;
  /** By default every transition with one event and a covering set with two on virtual time, else the latter alone. */
  readonly paths?: readonly PathSet[];
  /** Further paths, in minutes instead of seconds; by default as the variable `BUSCHART_FULL` says. */
  readonly isFull?: boolean;
  /**
   * Options of the buses under test. Registry, clock, dead letters, the times of retries and of a shutdown are the model's
   * whatever is given; the number of retries is `retry.maxRetries` or `maxRetries` (1).
   */
  readonly bus?: BusOptions;
  /** Laid around the handler of the paths, such as what an application lays around each of its own. */
  readonly around?: StageSettings['around'];
  /** What the promises leave to the broker; by default as its abilities say. */
  readonly promises?: Partial<Promises>;
  /** Paths walked at the same time, where there is no virtual clock (8). */
  readonly atOnce?: number;
}

/**
 * Declares tests that take a bus along the paths of a model of it, which is written from what a bus promises: call it at
 * the top of a vitest test file. After each step the bus, its handlers and its broker must show what the model says; at
 * the end of each path nothing may be lost, left over or done twice.
 */
export function testBus(name: string, harness: TransportHarness, options: BusTestOptions = {}): void {
  const { seed = 1, bus = {}, around = (handle) => handle, atOnce = 8 } = options;
  const promises = promisesOf(harness, options);
  const settings: StageSettings = { promises, bus, around, seed };
  const turnstile = new Turnstile(harness.clock === undefined ? atOnce : 1);

  describe(`${name} behaves as the model of a bus`, () => {
    let before: Resources;
    beforeAll(async () => {
      await harness.start?.();
      before = activeResources();
    });
    afterAll(() => harness.stop?.());
    for (const [index, set] of pathSets(harness, options).entries()) {
      const paths = new BusPaths(promises, set, (event) => isPossible(harness, event));
      const chosen = pathsOf(paths, set);
      const walked = (path: ModelPath): Promise<void> =>
        turnstile.pass(() => walk(harness, `model${index}`, paths, path, settings));
      describe.concurrent(`${set.messages} at once, ${set.paths}`, () => {
        it('has an executor for every step, and a check for every state, of its paths', () => {
          const taken = chosen.flatMap((path) => path.steps.slice(1));
          expect(taken.filter(({ event }) => !Object.hasOwn(steps, event.type))).toEqual([]);
          expect(taken.filter(({ state }) => !Object.hasOwn(STATES, stateOfModel(state)))).toEqual([]);
          expect(taken.length).toBeGreaterThan(0);
        });
        // Thousands on virtual time, where a path takes milliseconds: a test each would only be long to read.
        if (set.paths === 'covering')
          for (const path of chosen) it(stepsOf(path), { timeout: 600_000 }, () => walked(path));
        else
          for (const [state, group] of byLastState(chosen))
            it(`keeps to the ${group.length} paths that end "${state}"`, { timeout: 600_000 }, async () => {
              for (const path of group) await walked(path);
            });
      });
    }
    // Not concurrent, so it comes after them.
    it('has left no socket and no timer of any path', async () => {
      expect(await leftovers(before)).toEqual([]);
    });
  });
}

function pathSets({ clock }: TransportHarness, options: BusTestOptions): readonly PathSet[] {
  const { isFull = process.env['BUSCHART_FULL'] === '1' } = options;
  return options.paths ?? defaultPathSets(clock !== undefined, isFull);
}

function pathsOf(paths: BusPaths, set: PathSet): readonly ModelPath[] {
  switch (set.paths) {
    case 'transitions':
      return paths.everyTransition();
    case 'shortest':
      return paths.shortest();
    case 'simple':
      return paths.simple();
    case 'covering':
      return paths.covering();
  }
}

function promisesOf({ abilities }: TransportHarness, { bus = {}, promises }: BusTestOptions): Promises {
  return {
    maxAttempts: 1 + (bus.retry?.maxRetries ?? bus.maxRetries ?? 1),
    isOrdered: bus.ordering !== 'none',
    keepsWhenAway: abilities.leased,
    ordersReturned: abilities.keyOrder === 'group' || !abilities.crossProcess,
    ...promises,
  };
}

/** What a harness can't do to its transport is on no path. */
function isPossible({ faults }: TransportHarness, { type }: ModelEvent): boolean {
  if (type === 'consumer.crashes') return faults?.wayTo !== undefined;
  return faults !== undefined || !type.startsWith('connection.');
}

function byLastState(paths: readonly ModelPath[]): ReadonlyMap<ModelState, readonly ModelPath[]> {
  const groups = new Map<ModelState, ModelPath[]>();
  for (const path of paths) {
    const state = stateOfModel(path.state);
    groups.set(state, [...(groups.get(state) ?? []), path]);
  }
  return groups;
}
