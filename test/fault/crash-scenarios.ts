import { randomUUID } from 'node:crypto';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { Counted, counted } from '../../src/testing/index.ts';
import { foretell, type Fate } from '../support/fate.ts';
import type { Worker, WorkerPlan } from '../support/worker.ts';
import { startCrashPoint, type CrashPoint } from './crash-point.ts';
import { FaultRun } from './fault-run.ts';
import type { TwoStepPlace } from './places/place.ts';

type Start = (destination: string) => Promise<TwoStepPlace>;

/**
 * What must hold where a dead letter is stored in one step and its message acknowledged in another, as a test: the
 * process dies between the two. Redis does both in one script, so there is nothing between.
 */
export function itBearsCrashesBeforeAcknowledging(start: Start): void {
  const crashing = crashes(start);

  it('stores a dead letter at most once more when its process is killed before it acknowledges', async () => {
    const { run } = crashing;
    const plan = { options: { retry: { maxRetries: 0 } } };
    const { worker, publisher } = await crashing.begin(plan);
    const poison = doomed('poison');
    await run.fault(async () => {
      await run.publishAll(publisher, [poison]);
      await run.until(() => crashing.point.wasReached, 'the acknowledgement');
      await worker.kill();
      expect(await run.place.deadLetterIds()).toHaveLength(1);
      expect(await run.place.unsettled()).toBe(1);
    });
    await run.worker('two', { buses: 1, ...plan });
    await run.settle('killed between dead letter and acknowledgement');
    expect(attemptsOf(run, poison.eventId)).toEqual([1, 1]);

    const stored = await run.place.deadLetterIds();
    const [id = ''] = stored;
    expect(stored.length).toBeLessThanOrEqual(2);
    expect(stored).toEqual(stored.map(() => id));
    // A log folds what is stored twice; a queue shows what it holds.
    const shown = run.place.foldsDeadLetters ? [id] : stored;
    expect((await publisher.deadLetters.list()).map((letter) => letter.id)).toEqual(shown);
    expect(await publisher.deadLetters.count()).toBe(shown.length);

    expect(await publisher.deadLetters.replay(id)).toBe(true);
    await run.until(() => run.handled.has(poison.eventId), 'the replayed one to be handled');
    expect((await publisher.deadLetters.list()).map((letter) => letter.id)).toEqual(shown.slice(1));
  });
}

/** The same, where a retry waits at the broker: it is stored in one step, and the message acknowledged in another. */
export function itBearsCrashesBetweenRetries(start: Start): void {
  const crashing = crashes(start);

  it('repeats a retry at most once, as the same attempt, when its process is killed before it acknowledges', async () => {
    const { run } = crashing;
    const retry = { waitIn: 'broker', maxRetries: 3, baseDelayMs: 1_000, jitter: 0 };
    const plan = { options: { ordering: 'none', retry } };
    const { worker, publisher } = await crashing.begin(plan);
    const flaky = doomed('flaky');
    await run.fault(async () => {
      await run.publishAll(publisher, [flaky]);
      await run.until(() => crashing.point.wasReached, 'the acknowledgement');
      // Before the retry comes back, which this one could still handle.
      await worker.kill();
      expect(attemptsOf(run, flaky.eventId)).toEqual([1]);
    });
    const second = await run.worker('two', { buses: 1, ...plan });
    const times = () => second.handled.filter((id) => id === flaky.eventId).length;
    await run.until(() => times() >= 2, 'both retries');
    await run.until(async () => (await run.place.unsettled()) === 0, 'everything to be settled');
    // One for what was not acknowledged, and the two retries, which may come at once.
    expect(attemptsOf(run, flaky.eventId)).toEqual([1, 1, 2, 2]);
    expect(times()).toBe(2);
    expect(run.handled.size).toBe(101);
    expect(await run.place.deadLettered()).toEqual(new Set());
  });
}

/** The same, where a dead letter is replayed in one step, and taken away in another. */
export function itBearsCrashesWhileReplaying(start: Start): void {
  const crashing = crashes(start, 'removesLetter');

  it('replays a dead letter once more, and never loses it, when whoever replays it dies before it is taken away', async () => {
    const { run, point } = crashing;
    await run.worker('one', { buses: 1, options: { retry: { maxRetries: 0 } } });
    const publisher = await run.bus({ consumerGroup: run.place.group });
    const poison = doomed('poison');
    await run.publishAll(publisher, [poison]);
    await run.until(async () => (await run.place.deadLetterIds()).length === 1, 'the dead letter');
    const [{ id } = { id: '' }] = await publisher.deadLetters.list();
    const timesHandled = () =>
      run.attempts.filter((one) => one.id === poison.eventId && one.outcome === 'succeeded').length;

    const dying = await run.bus({ consumerGroup: run.place.group }, point);
    await dying.connect();
    point.arm();
    const replaying = dying.deadLetters.replay(id).catch((error: unknown) => error);
    await run.until(() => point.wasReached, 'the letter to be taken away');
    await point.close();
    await dying.shutdown({ timeoutMs: 0 });
    await replaying;
    await run.until(() => timesHandled() === 1, 'what was replayed to be handled');

    expect((await publisher.deadLetters.list()).map((letter) => letter.id)).toEqual([id]);
    expect(await publisher.deadLetters.replay(id)).toBe(true);
    await run.until(() => timesHandled() === 2, 'it to be handled once more');
    await run.until(async () => (await run.place.unsettled()) === 0, 'everything to be settled');
    expect(await publisher.deadLetters.count()).toBe(0);
  });
}

interface Crashing {
  readonly run: FaultRun<TwoStepPlace>;
  readonly point: CrashPoint;
  /** Resolves once a worker behind the point has settled a hundred healthy events; its next acknowledgement is lost. */
  begin(
    plan: Partial<WorkerPlan>,
  ): Promise<{ readonly worker: Worker; readonly publisher: Awaited<ReturnType<FaultRun['bus']>> }>;
}

/** Of the test that runs. */
function crashes(start: Start, step: 'isAcknowledgement' | 'removesLetter' = 'isAcknowledgement'): Crashing {
  let run: FaultRun<TwoStepPlace>;
  let point: CrashPoint;
  beforeEach(async () => {
    run = await FaultRun.open(start);
    const { server, requests } = run.place;
    const target = { host: '127.0.0.1', port: server.port };
    point = await startCrashPoint(target, requests.lengthOf, (request) => requests[step](request));
  });
  afterEach(async () => {
    await run.close();
    await point.close();
  });
  return {
    get run() {
      return run;
    },
    get point() {
      return point;
    },
    async begin(plan) {
      const by = { host: point.host, port: point.port };
      const worker = await run.worker('one', { buses: 1, ...plan, place: run.place.through(by).at, by });
      const publisher = await run.bus({ consumerGroup: run.place.group });
      await run.publishAll(publisher, counted(100));
      await run.until(
        async () => run.handled.size === 100 && (await run.place.unsettled()) === 0,
        'the healthy ones to be settled',
      );
      point.arm();
      return { worker, publisher };
    },
  };
}

const doomed = (fate: Fate) =>
  Counted({ aggregateId: randomUUID(), n: 100, text: foretell({ fate, ms: 0 }) });

const attemptsOf = (run: FaultRun<TwoStepPlace>, event: string): number[] =>
  run.attempts
    .filter(({ id }) => id === event)
    .map(({ attempt }) => attempt)
    .toSorted((one, other) => one - other);
