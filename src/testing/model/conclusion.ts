import { expect } from 'vitest';
import type { AnyActorRef } from 'xstate';
import { breaches, overlapping } from '../invariants.ts';
import type { ModelState } from './checks.ts';
import type { ModelContext } from './happenings.ts';
import { fails, isOver } from './messages.ts';
import type { ModelStage } from './model-stage.ts';

/** Of a snapshot, whatever actor it is of. */
interface ActorFacts {
  readonly status: string;
  readonly children?: Readonly<Record<string, AnyActorRef>>;
}

/**
 * Brings a path to rest, wherever it ended: the connection returns, a consumer runs, every handler ends. Then what the
 * broker holds must be what the model says, and all that happened on the way must keep the invariants.
 */
export async function conclude(stage: ModelStage, state: ModelState, context: ModelContext): Promise<void> {
  const { harness, destination, recorder, publisher, settings } = stage;
  const { group } = destination;
  const { maxAttempts } = settings.promises;
  const { messages } = context;
  await bringToRest(stage, state, context);

  const isLost = ({ kind, isMended }: (typeof messages)[number]): boolean =>
    fails({ kind, isMended, attempt: maxAttempts }, maxAttempts);
  const ids = stage.events.map(({ eventId }) => eventId);
  const wanted = {
    handled: ids.filter((_, at) => messages[at] !== undefined && !isLost(messages[at])).toSorted(),
    deadLetters: ids.filter((_, at) => messages[at] !== undefined && isLost(messages[at])).toSorted(),
    confirmed: ids.length,
    pending: 0,
    depth: messages.filter(isLost).length,
    errors: [],
  };
  const found = async (): Promise<typeof wanted> => {
    const letters = await publisher.deadLetters.list({ group });
    return {
      handled: [...recorder.handled()].toSorted(),
      deadLetters: letters.map(({ eventId }) => eventId).toSorted(),
      confirmed: stage.confirmed.size,
      pending: await harness.probe.pending(destination, group),
      depth: await harness.probe.dlqDepth(destination, group),
      errors: stage.errors as never[],
    };
  };
  await stage
    .until(() => {
      stage.consumer?.clock.endBackoffs();
      const handled = recorder.handled();
      return stage.confirmed.size === ids.length && wanted.handled.every((id) => handled.has(id));
    }, 'every event to be handled')
    .catch(() => undefined);
  await stage
    .until(async () => {
      stage.consumer?.clock.endBackoffs();
      return JSON.stringify(await found()) === JSON.stringify(wanted);
    }, 'the broker to hold what the model says')
    .catch(() => undefined);
  expect(await found(), 'what there is at the end').toEqual(wanted);
  await expectLetters(stage, context);
  const bus = stage.consumer?.bus;
  if (bus !== undefined) {
    const report = await stage.settles(bus.shutdown({ timeoutMs: 20_000 }), 'the consumer to stop');
    expect(report, 'the last drain').toMatchObject({ aborted: 0, unpublished: 0, timedOut: false });
  }
  const { witness, confirmed } = stage;
  await stage
    .until(() => witness.hasSeen(confirmed), 'another group to see every event')
    .catch(() => undefined);
  const problems = [...problemsOf(stage, state, context, wanted.deadLetters), ...witness.breaches(confirmed)];
  expect(problems, 'breaches of the invariants').toEqual([]);
}

/**
 * I7, once all buses of a path were shut down: those that were cut off for good too. Their timers are told by the clocks
 * that they were given. Sockets and timers of the process can't be: they are those of all paths that are being walked, so
 * the suite looks at them when it has walked the last one.
 */
export function expectNothingLeft({ buses, recorder, harness }: ModelStage): void {
  const living = (actor: AnyActorRef): string[] => {
    const { status, children = {} } = actor.getSnapshot() as ActorFacts;
    return [...(status === 'active' ? [actor.id] : []), ...Object.values(children).flatMap(living)];
  };
  const left = buses.map(({ bus, clock }) => ({ actors: living(bus.actor), timers: clock.pending }));
  expect(left, 'what is left of the buses').toEqual(buses.map(() => ({ actors: [], timers: 0 })));
  expect(recorder.running, 'attempts that still run').toBe(0);
  // One path at a time where time is virtual.
  expect(harness.clock?.pending ?? 0, 'timers left on the clock').toBe(0);
}

async function bringToRest(stage: ModelStage, state: ModelState, { isPaused }: ModelContext): Promise<void> {
  stage.openGates();
  if (state.startsWith('away')) {
    await stage.heal();
    const buses = [stage.publisher, stage.consumer?.bus];
    await stage.until(() => buses.every((bus) => bus?.state !== 'retrying'), 'the connections to return');
  }
  if (state.endsWith('draining') || state.endsWith('stopping'))
    await stage.settles(Promise.resolve(stage.lastDrain), 'the drain');
  if (isPaused) stage.consumer?.bus.resume();
  const isConsuming = ['consuming', 'paused', 'away.consuming', 'away.paused'].includes(state);
  if (!isConsuming) await stage.start();
}

/** Dead letters say how often they were tried, and why they were given up. */
async function expectLetters(stage: ModelStage, { messages }: ModelContext): Promise<void> {
  const { publisher, destination, settings } = stage;
  const letters = await publisher.deadLetters.list({ group: destination.group });
  for (const letter of letters) {
    const at = stage.events.findIndex(({ eventId }) => eventId === letter.eventId);
    // Tried anew without need: see `repeats`.
    if (stage.repeats > 0 && letter.reason === 'not-retryable') continue;
    expect(letter, `the dead letter of event ${at}`).toMatchObject({
      reason: 'attempts-exhausted',
      attempts: settings.promises.maxAttempts,
      replayCount: messages[at]?.isReplayed === true ? 1 : 0,
      failedHandlers: [{ name: 'recorder' }],
    });
  }
}

function problemsOf(
  stage: ModelStage,
  state: ModelState,
  context: ModelContext,
  deadLetters: readonly string[],
): string[] {
  const { events, confirmed, recorder, settings, repeats } = stage;
  const { messages, interruptions } = context;
  const { isOrdered } = settings.promises;
  // A replay comes after what was published meanwhile; what a drain could give back to nobody comes at any time.
  const mayComeLate =
    messages.some(({ isReplayed }) => isReplayed) || state === 'away.draining' || state === 'away.stopping';
  const problems = breaches(
    {
      published: events.map(({ eventId, aggregateId }) => ({ id: eventId, key: aggregateId })),
      confirmed,
      attempts: recorder.attempts,
      deadLettered: new Set(deadLetters),
    },
    {
      maxAttempts: settings.promises.maxAttempts,
      redeliveries:
        interruptions * messages.length +
        messages.filter(({ isReplayed }) => isReplayed).length +
        messages.filter((message) => !isOver(message)).length +
        repeats,
      isOrdered: isOrdered && !mayComeLate,
      givenUp: 0,
    },
  );
  return isOrdered ? [...new Set([...problems, ...overlapping(recorder.attempts)])] : problems;
}
