import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { BusOptions } from '../bus/options.ts';
import type { HandlerContext } from '../contracts/handler.ts';
import type { CountedEvent } from './counted.ts';
import type { TransportHarness } from './harness.ts';
import { check, type ModelState } from './model/checks.ts';
import { conclude } from './model/conclusion.ts';
import type { Bounds, ModelEvent } from './model/happenings.ts';
import type { Promises } from './model/messages.ts';
import { ModelStage, type StageSettings } from './model/model-stage.ts';
import { BusPaths, stateOfModel, stepsOf, type ModelPath, type ModelSnapshot } from './model/paths.ts';
import { steps } from './model/steps.ts';

export interface BusTestOptions {
  /** Chooses what is left to chance; printed with a failure (1). */
  readonly seed?: number;
  /**
   * `all`: a shortest path to each state of the model. `covering`: few paths that take each of its transitions at least
   * once. By default all where the harness has a virtual clock, else covering.
   */
  readonly paths?: 'all' | 'covering';
  /** How far the paths go, one set of bounds after the other. */
  readonly bounds?: readonly Bounds[];
  /** Options of the buses under test. Times and retries are the model's, but for `retry.maxRetries`. */
  readonly bus?: BusOptions;
  /** Laid around the handler of the path, such as what an application lays around each of its own. */
  readonly around?: StageSettings['around'];
  /** What the promises leave to the broker; by default as its abilities say. */
  readonly promises?: Partial<Promises>;
}

/** Every state with one event that fails in any way, twice interrupted; and with two that may stand in each other's way. */
const DEEP: Bounds = { messages: 1, interruptions: 2, kinds: ['ok', 'flaky', 'poison'] };
const WIDE: Bounds = { messages: 2, interruptions: 1, kinds: ['flaky', 'poison'] };

const FAULTS: ReadonlySet<ModelEvent['type']> = new Set(['connection.lost', 'connection.returns']);

/**
 * Declares tests that take a bus along the paths of a model of it, which is written from what a bus promises: call it at
 * the top of a vitest test file. After each step the bus, its handlers and its broker must show what the model says; at
 * the end of each path nothing may be lost, left or done twice.
 */
export function testBus(name: string, harness: TransportHarness, options: BusTestOptions = {}): void {
  const { seed = 1, bus = {}, around = (handle) => handle } = options;
  const kind = options.paths ?? (harness.clock === undefined ? 'covering' : 'all');
  const promises = promisesOf(harness, options);
  const settings: StageSettings = { promises, bus, around, seed };
  const boundsList = options.bounds ?? (kind === 'all' ? [DEEP, WIDE] : [WIDE]);

  describe(`${name} behaves as the model of a bus`, () => {
    beforeAll(() => harness.start?.());
    afterAll(() => harness.stop?.());
    for (const [index, bounds] of boundsList.entries()) {
      const paths = new BusPaths(promises, bounds, (event) => isPossible(harness, event));
      const chosen = kind === 'all' ? paths.shortest() : paths.covering();
      const words = `${bounds.messages} events, ${bounds.interruptions} interruptions`;
      it(`with executors for all steps, and checks for all states, of its paths: ${words}`, () => {
        const unknown = chosen.flatMap((path) =>
          path.steps.slice(1).filter(({ event }) => !Object.hasOwn(steps, event.type)),
        );
        expect(unknown).toEqual([]);
        expect(chosen.length).toBeGreaterThan(0);
      });
      if (kind === 'all')
        for (const [state, group] of byLastState(chosen))
          it(`on every shortest path that ends "${state}": ${words}`, { timeout: 120_000 }, async () => {
            for (const path of group) await walk(harness, `m${index}`, paths, path, settings);
          });
      else
        describe.concurrent(words, () => {
          for (const path of chosen)
            it(stepsOf(path), { timeout: 120_000 }, () => walk(harness, `m${index}`, paths, path, settings));
        });
    }
  });
}

/** Takes the buses of a new destination along one path, and holds what happened against the model. */
export async function walk(
  harness: TransportHarness,
  testId: string,
  { model }: BusPaths,
  path: ModelPath,
  settings: StageSettings,
): Promise<void> {
  const stage = await ModelStage.open(harness, testId, settings);
  try {
    await model.testPath(path, {
      events: Object.fromEntries(
        Object.entries(steps).map(([type, step]) => [
          type,
          ({ event, state }: (typeof path.steps)[number]) => {
            // Before the step: what it brings about may be there before it returns.
            stage.expected = state.context.messages;
            return (step as (...args: unknown[]) => void | Promise<void>)(stage, event, state.context);
          },
        ]),
      ),
      states: {
        '*': (snapshot: ModelSnapshot) => check(stage, stateOfModel(snapshot), snapshot.context),
      },
    });
    await conclude(stage, stateOfModel(path.state), path.state.context);
  } catch (error) {
    (error as Error).message =
      `On the path ${stepsOf(path)}\n(seed ${settings.seed}): ${(error as Error).message}`;
    throw error;
  } finally {
    await stage.close();
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

function isPossible({ faults }: TransportHarness, { type }: ModelEvent): boolean {
  if (type === 'consumer.crashes') return faults?.wayTo !== undefined;
  return faults !== undefined || !FAULTS.has(type);
}

function byLastState(paths: readonly ModelPath[]): ReadonlyMap<ModelState, readonly ModelPath[]> {
  const groups = new Map<ModelState, ModelPath[]>();
  for (const path of paths) {
    const state = stateOfModel(path.state);
    groups.set(state, [...(groups.get(state) ?? []), path]);
  }
  return groups;
}

export type { CountedEvent, HandlerContext };
