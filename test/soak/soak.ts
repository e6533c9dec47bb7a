import fc from 'fast-check';
import type { PlaceName } from '../support/bus-places.ts';
import { walks } from './commands.ts';
import { atFirst } from './expectation.ts';
import type { Ground } from './ground.ts';
import { Walk } from './walk.ts';

/** Problems of one walk that are worth reading. */
const MOST_TOLD = 8;

export interface SoakPlan {
  /** Of the first walk; each has one of its own, so that a failed one can be repeated alone. */
  readonly seed: number;
  /** No walk is begun after so long; the last one is ended. */
  readonly minutes: number;
  /** No walk is begun after so many commands. */
  readonly commands: number;
  /** Of one walk, at most. */
  readonly commandsPerWalk: number;
  /** Walks that shrinking a failed one may take. */
  readonly shrinks: number;
  /** @see WalkOptions.stillMs */
  readonly stillMs: number;
  /** Repeats one walk as it was printed. */
  readonly repeat?: { readonly path: string; readonly replayPath: string };
}

/** What has been done so far; it goes on changing. */
export interface SoakTotals {
  readonly transport: PlaceName;
  walks: number;
  commands: number;
  faults: number;
  events: number;
  handled: number;
  deadLettered: number;
  redelivered: number;
  excused: number;
  storedTwice: number;
  /** What it does at the moment. */
  now: string;
}

export interface SoakFailure {
  readonly seed: number;
  readonly path: string;
  readonly replayPath: string;
  /** The commands that were run, shrunk as far as there was time. */
  readonly commands: readonly string[];
  readonly commandsBefore: number;
  readonly shrinks: number;
  readonly problem: string;
}

export const noTotals = (transport: PlaceName): SoakTotals => ({
  transport,
  walks: 0,
  commands: 0,
  faults: 0,
  events: 0,
  handled: 0,
  deadLettered: 0,
  redelivered: 0,
  excused: 0,
  storedTwice: 0,
  now: 'begin',
});

/** Walks until the time is up, one has failed, or the signal aborts. Resolves with the failure, shrunk. */
export async function soak(
  ground: Ground,
  plan: SoakPlan,
  totals: SoakTotals,
  signal: AbortSignal,
): Promise<SoakFailure | undefined> {
  const endsAt = performance.now() + plan.minutes * 60_000;
  const { commands } = totals;
  for (let walk = 0; !signal.aborted; walk++) {
    const isOver = performance.now() > endsAt || totals.commands - commands >= plan.commands;
    if (walk > 0 && (isOver || plan.repeat !== undefined)) return undefined;
    // Any odd step of about the golden ratio's size visits all seeds.
    const seed = (plan.seed + walk * 0x1e37_79b1) % 2 ** 31;
    const failure = await oneWalk(ground, { ...plan, seed }, totals, signal);
    if (failure !== undefined) return failure;
  }
  return undefined;
}

async function oneWalk(
  ground: Ground,
  plan: SoakPlan,
  totals: SoakTotals,
  signal: AbortSignal,
): Promise<SoakFailure | undefined> {
  let done: string[] = [];
  let failed: string[] | undefined;
  let shrinks = 0;
  let isRepeated = false;
  const before = (words: string): void => {
    signal.throwIfAborted();
    done.push(words);
    totals.commands++;
    totals.now = words;
  };
  const { repeat } = plan;
  const property = fc.asyncProperty(
    walks({
      isRemote: ground.isRemote,
      most: plan.commandsPerWalk,
      before,
      replayPath: repeat?.replayPath,
    }),
    async (commands) => {
      // Where the walk of a path goes well, fast-check would go on to its neighbours.
      if (signal.aborted || shrinks > plan.shrinks || isRepeated) return;
      isRepeated = repeat !== undefined;
      if (failed !== undefined) shrinks++;
      done = [];
      try {
        await walkOnce(ground, plan, totals, signal, commands);
      } catch (error) {
        // Whoever is interrupted has found nothing.
        if (signal.aborted) return;
        failed ??= done;
        throw error;
      }
    },
  );
  const details = await fc.check(property, {
    seed: plan.seed,
    numRuns: 1,
    ...(repeat === undefined ? {} : { path: repeat.path, endOnFailure: true }),
  });
  if (!details.failed) return undefined;
  // Its commands in words, and after them, in a comment, by which path they are found again.
  const [commands = ''] = (details.counterexample ?? []) as { toString(): string }[];
  const text = commands.toString();
  return {
    seed: plan.seed,
    path: details.counterexamplePath ?? '0',
    replayPath: /replayPath="(?<path>[^"]*)"/.exec(text)?.groups?.['path'] ?? '',
    commands: text.replace(/\s*\/\*.*\*\/$/, '').split(','),
    commandsBefore: failed?.length ?? 0,
    shrinks: Math.min(shrinks, plan.shrinks),
    problem:
      details.errorInstance instanceof Error ? details.errorInstance.message : String(details.errorInstance),
  };
}

async function walkOnce(
  ground: Ground,
  plan: SoakPlan,
  totals: SoakTotals,
  signal: AbortSignal,
  commands: Iterable<fc.AsyncCommand<ReturnType<typeof atFirst>, Walk>>,
): Promise<void> {
  totals.walks++;
  totals.now = 'begin';
  const walk = await Walk.begin(ground, { stillMs: plan.stillMs, signal });
  try {
    await fc.asyncModelRun(() => ({ model: atFirst(ground.isRemote), real: walk }), commands);
    totals.now = 'settle';
    const { problems, ...tally } = await walk.settle();
    totals.events += walk.events;
    totals.faults += walk.faults;
    for (const name of ['handled', 'deadLettered', 'redelivered', 'excused', 'storedTwice'] as const)
      totals[name] += tally[name];
    totals.now = 'drain';
    problems.push(...(await walk.drain()));
    if (problems.length === 0) return;
    const more = problems.length > MOST_TOLD ? [`and ${problems.length - MOST_TOLD} more of the kind`] : [];
    throw new Error([...problems.slice(0, MOST_TOLD), ...more, ...walk.lastWords()].join('\n'));
  } finally {
    await walk.end();
  }
}
