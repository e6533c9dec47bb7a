import type { TransportHarness } from '../harness.ts';
import { check } from './checks.ts';
import { conclude, expectNothingLeft } from './conclusion.ts';
import type { StageSettings } from './model-bus.ts';
import { ModelStage } from './model-stage.ts';
import { stateOfModel, stepsOf, type BusPaths, type ModelPath, type ModelSnapshot } from './paths.ts';
import { steps } from './steps.ts';

type Step = ModelPath['steps'][number];

/** Takes the buses of a new destination along one path, and holds what happens against the model. */
export async function walk(
  harness: TransportHarness,
  testId: string,
  { model }: BusPaths,
  path: ModelPath,
  settings: StageSettings,
): Promise<void> {
  const stage = await ModelStage.open(harness, testId, settings);
  const take =
    (step: (...args: unknown[]) => void | Promise<void>) =>
    ({ event, state }: Step): void | Promise<void> => {
      // Before the step: what it brings about may be there before it returns.
      stage.expected = state.context.messages;
      return step(stage, event, state.context);
    };
  try {
    try {
      await model.testPath(path, {
        events: Object.fromEntries(
          Object.entries(steps).map(([type, step]) => [type, take(step as Parameters<typeof take>[0])]),
        ),
        states: { '*': (snapshot: ModelSnapshot) => check(stage, stateOfModel(snapshot), snapshot.context) },
      });
      await conclude(stage, stateOfModel(path.state), path.state.context);
    } finally {
      await stage.close();
    }
    expectNothingLeft(stage);
  } catch (error) {
    const { message } = error as Error;
    (error as Error).message = `On the path ${stepsOf(path)}\n(seed ${settings.seed}): ${message}`;
    throw error;
  }
}

/** Lets only so many go on at once; the others wait in the order in which they came. */
export class Turnstile {
  #free: number;
  readonly #waiting: (() => void)[] = [];

  constructor(atOnce: number) {
    this.#free = atOnce;
  }

  async pass<T>(task: () => Promise<T>): Promise<T> {
    if (this.#free === 0) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    else this.#free--;
    try {
      return await task();
    } finally {
      const next = this.#waiting.shift();
      if (next === undefined) this.#free++;
      else next();
    }
  }
}
