import { isDeepStrictEqual } from 'node:util';
import { expect } from 'vitest';
import type { ModelContext } from './happenings.ts';
import { tally } from './happenings.ts';
import { BACKOFF_MS } from './held-clock.ts';
import { isRunning } from './messages.ts';
import type { ModelStage } from './model-stage.ts';

/** States of the model, as its snapshots name them. */
export type ModelState =
  | 'absent'
  | 'consuming'
  | 'paused'
  | 'away.consuming'
  | 'away.paused'
  | 'away.stopping'
  | 'away.draining'
  | 'away.connected'
  | 'away.absent'
  | 'stopping'
  | 'connected'
  | 'draining';

/** What each is checked for: the state of the consumer's bus; undefined where there need not be any. */
export const STATES: Readonly<Record<ModelState, string | undefined>> = {
  absent: undefined,
  consuming: 'consuming',
  paused: 'consuming',
  'away.consuming': 'retrying',
  'away.paused': 'retrying',
  'away.stopping': 'retrying',
  'away.draining': 'draining',
  'away.connected': 'retrying',
  'away.absent': 'stopped',
  stopping: 'consuming',
  connected: 'connected',
  draining: 'draining',
};

/** Virtual time for which a state must last once it is reached: nothing more may happen by itself. */
const LASTS_MS = 40;

/** Polls until the buses and the broker show what the model says, and fails with the difference if they never do. */
export async function check(stage: ModelStage, state: ModelState, context: ModelContext): Promise<void> {
  stage.expected = context.messages;
  const wanted = expected(state, context);
  let found: object = {};
  const fits = async (): Promise<boolean> => {
    // What can't be asked, because a connection breaks meanwhile, is asked again.
    found = await observed(stage, state, context).catch((error: unknown) => ({ error }));
    return isDeepStrictEqual(found, wanted);
  };
  // On virtual time it must also last.
  if (stage.harness.clock !== undefined) await stage.pass(LASTS_MS);
  await stage.until(fits, `the state "${state}"`).catch(() => undefined);
  expect(found, `what a bus shows that is "${state}"`).toEqual(wanted);
}

const AFTER_DRAIN: ReadonlySet<ModelState> = new Set([
  'absent',
  'connected',
  'away.absent',
  'away.connected',
]);

/** A drain tells once it is over. */
const isTold = (state: ModelState, { report }: ModelContext): boolean =>
  report !== undefined && AFTER_DRAIN.has(state);

function expected(state: ModelState, context: ModelContext): object {
  const { messages, report } = context;
  const { handled, deadLettered, attempts } = tally(context);
  const isAway = state.startsWith('away');
  return {
    bus: STATES[state],
    isReady: state === 'consuming',
    running: messages.flatMap((message, at) => (isRunning(message) ? [`${at}/${message.attempt}`] : [])),
    backoffs: messages
      .filter(({ phase }) => phase === 'waiting')
      .map(({ attempt }) => BACKOFF_MS * 2 ** (attempt - 1))
      .toSorted((one, other) => one - other),
    handled,
    attempts,
    confirmed: messages.filter(({ phase }) => phase !== 'queued').length,
    isPublisherAway: isAway,
    isConnected: STATES[state] === 'draining' ? !isAway : undefined,
    deadLettered: isAway ? undefined : deadLettered,
    isPendingRight: true,
    report:
      report && isTold(state, context)
        ? {
            settled: report.settled,
            aborted: report.aborted,
            timedOut: report.timedOut,
            isReleasedRight: true,
          }
        : undefined,
    errors: [],
  };
}

async function observed(stage: ModelStage, state: ModelState, context: ModelContext): Promise<object> {
  const { consumer, recorder, harness, destination, publisher } = stage;
  const { group } = destination;
  const isAway = state.startsWith('away');
  const isPublisherAway = publisher.state === 'retrying';
  return {
    bus: STATES[state] && consumer?.bus.state,
    isReady: state === 'consuming' && consumer?.isReady === true,
    running: stage.running,
    backoffs: consumer?.clock.backoffs ?? [],
    handled: recorder.handled().size,
    attempts: recorder.attempts.length - stage.repeats,
    confirmed: stage.confirmed.size,
    isPublisherAway,
    // Its state doesn't tell.
    isConnected: STATES[state] === 'draining' ? (await consumer?.bus.getInfo())?.connected : undefined,
    // Asked while it is away it would wait, and virtual time with it.
    deadLettered: isAway || isPublisherAway ? undefined : await publisher.deadLetters.count({ group }),
    isPendingRight:
      harness.clock === undefined || isAway
        ? true
        : isPendingRight(await harness.probe.pending(destination, group), context),
    report: isTold(state, context) ? await reportOf(stage, context) : undefined,
    errors: stage.errors,
  };
}

function isPendingRight(pending: number, context: ModelContext): boolean {
  const stored = context.messages.filter(({ phase }) => phase === 'stored').length;
  const least = tally(context).pending;
  return least <= pending && pending <= least + stored;
}

async function reportOf({ lastDrain }: ModelStage, { report }: ModelContext): Promise<object | undefined> {
  // Not awaited before it is there: virtual time stands still while we wait.
  const told = await Promise.race([lastDrain, Promise.resolve(undefined)]);
  return (
    told && {
      settled: told.settled,
      aborted: told.aborted,
      timedOut: told.timedOut,
      isReleasedRight: told.released >= (report?.released ?? 0),
    }
  );
}
