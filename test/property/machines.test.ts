import fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import { z } from 'zod';
import type { HandlerContext } from '../../src/contracts/handler.ts';
import type { InMemoryEventBusOptions, Subscription } from '../../src/index.ts';
import { VirtualClock } from '../../src/testing/clock.ts';
import { seededRandom } from '../../src/testing/random.ts';
import { runSeed } from '../support/seed.ts';

const fastPath = new URL('../../machines/fast-path.ts', import.meta.url).pathname;

/** The package, with the machines as they are exported or as the bus runs them. */
async function load(isPlain: boolean) {
  vi.resetModules();
  if (isPlain) vi.doMock(fastPath, () => ({ withFastPath: (machine: unknown) => machine }));
  else vi.doUnmock(fastPath);
  const { InMemoryEventBus, EventRegistry, MemoryBroker, defineEvent } = await import('../../src/index.ts');
  const { busLogic, busMachine } = await import('../../machines/index.ts');
  const registry = new EventRegistry();
  const Told = defineEvent({
    type: 'Told',
    aggregateType: 'Story',
    registry,
    schema: z.object({ plan: z.array(z.string()) }),
  });
  return {
    InMemoryEventBus,
    MemoryBroker,
    registry,
    Told,
    isFast: busLogic.transition !== busMachine.transition,
  };
}

// XState's development build, which vitest picks, warns of handlers that run within an action of the plain machines.
vi.spyOn(console, 'warn').mockImplementation(() => undefined);

const plain = await load(true);
const fast = await load(false);

type Acts = 'ok' | 'throw' | 'reject' | 'later' | 'wait' | 'never retry' | 'publish';
type Step =
  | { readonly do: 'publish'; readonly key: string; readonly plan: Acts[]; readonly how: string }
  | { readonly do: 'advance'; readonly ms: number }
  | { readonly do: 'open' | 'fail'; readonly at: number }
  | { readonly do: 'pause' | 'resume' | 'pauseOne' | 'resumeOne' | 'unsubscribe' | 'subscribe' };

const acts = fc.constantFrom<Acts>('ok', 'ok', 'throw', 'reject', 'later', 'wait', 'never retry', 'publish');
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant('publish' as const),
      key: fc.constantFrom('a', 'b', 'c'),
      plan: fc.array(acts, { minLength: 1, maxLength: 4 }),
      how: fc.constantFrom('one', 'list', 'background'),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({ do: fc.constant('advance' as const), ms: fc.constantFrom(0, 60, 150, 900) }),
  },
  {
    weight: 3,
    arbitrary: fc.record({ do: fc.constantFrom('open' as const, 'fail' as const), at: fc.nat(20) }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constantFrom(
        'pause' as const,
        'resume' as const,
        'pauseOne' as const,
        'resumeOne' as const,
        'unsubscribe' as const,
        'subscribe' as const,
      ),
    }),
  },
);

/** Tells the story of one bus: what started and ended, in order, and what it came to. */
async function story(
  { InMemoryEventBus, registry, Told }: typeof fast,
  options: InMemoryEventBusOptions,
  steps: readonly Step[],
  drainMs: number,
): Promise<unknown[]> {
  const clock = new VirtualClock();
  const log: unknown[] = [];
  const silent = (): void => undefined;
  const bus = new InMemoryEventBus({
    clock,
    random: seededRandom(1),
    retry: { maxRetries: 2, baseDelayMs: 100 },
    concurrency: 3,
    abortGraceMs: 100,
    logger: { debug: silent, info: silent, warn: silent, error: silent },
    ...options,
    registry,
  });
  const waiting: { open: () => void; fail: (error: Error) => void }[] = [];
  let events = 0;
  const tell = (key: string, plan: readonly string[]) =>
    Told({ aggregateId: key, plan: [...plan], eventId: `e${events++}` });
  const handler =
    (name: string) =>
    async (
      { eventId, aggregateId, plan }: { eventId: string; aggregateId: string; plan: readonly string[] },
      { attempt, publish }: HandlerContext,
    ): Promise<void> => {
      const act = plan[Math.min(attempt, plan.length) - 1];
      log.push(`${name} begins ${eventId}/${attempt}`);
      if (act === 'publish') await publish(tell(aggregateId, ['ok']));
      if (act === 'later') await Promise.resolve();
      if (act === 'wait') await new Promise<void>((open, fail) => waiting.push({ open, fail }));
      log.push(`${name} ends ${eventId}/${attempt}`);
      if (act === 'never retry') throw Object.assign(new Error('final'), { code: 'NON_RETRYABLE' });
      if (act === 'reject') throw new Error('rejected');
    };
  const sync =
    (name: string) =>
    ({ eventId, plan }: { eventId: string; plan: readonly string[] }, { attempt }: HandlerContext): void => {
      log.push(`${name} runs ${eventId}/${attempt}`);
      if (plan[Math.min(attempt, plan.length) - 1] === 'throw') throw new Error('thrown');
    };
  const one = bus.subscribe(Told, handler('one'), { name: 'one', timeoutMs: 400 });
  bus.subscribe(Told, sync('two'), { name: 'two' });
  let three: Subscription | undefined;
  for (const now of steps) {
    if (now.do === 'publish') {
      const list =
        now.how === 'one' ? tell(now.key, now.plan) : [tell(now.key, now.plan), tell(now.key, ['ok'])];
      const id = events;
      void bus.publish(list, now.how === 'background' ? { background: true } : undefined).then(
        () => log.push(`published ${id}`),
        (error: Error) => log.push(`${error.name} ${id}`),
      );
    } else if (now.do === 'advance') await clock.advance(now.ms);
    else if (now.do === 'open') waiting.splice(now.at % (waiting.length + 1), 1)[0]?.open();
    else if (now.do === 'fail')
      waiting.splice(now.at % (waiting.length + 1), 1)[0]?.fail(new Error('failed'));
    else if (now.do === 'pause') bus.pause();
    else if (now.do === 'resume') bus.resume();
    else if (now.do === 'pauseOne') one.pause();
    else if (now.do === 'resumeOne') one.resume();
    else if (now.do === 'subscribe')
      three ??= bus.subscribeToAllEvents(sync('three') as never, { name: 'three' });
    else {
      three?.unsubscribe();
      three = undefined;
    }
  }
  await clock.advance(0);
  const states = [bus.state, one.actor.getSnapshot().value];
  const stopped = bus.shutdown({ timeoutMs: drainMs });
  for (const { open } of waiting.slice(0, waiting.length / 2)) open();
  await clock.advance(drainMs + 5000);
  const letters = (await bus.deadLetters.list().catch(() => [])).map(({ eventId, reason, attempts }) => [
    eventId,
    reason,
    attempts,
  ]);
  return [...log, states, await stopped, bus.getStats(), letters, clock.pending];
}

describe('the machines as exported and the machines on their fast path', () => {
  it('are not the same thing', () => {
    expect({ plain: plain.isFast, fast: fast.isFast }).toEqual({ plain: false, fast: true });
  });

  it.each([
    ['alone', () => ({})],
    ['with lanes', () => ({ ordering: 'key' as const })],
    ['at a broker', ({ MemoryBroker }: typeof fast) => ({ broker: new MemoryBroker() })],
  ])(
    'end in the same outcomes, in the same order: %s',
    async (_, options) => {
      await fc.assert(
        fc.asyncProperty(
          fc.array(step, { maxLength: 25 }),
          fc.constantFrom(0, 500, 20_000),
          async (steps, drainMs) => {
            const told = await story(fast, options(fast), steps, drainMs);
            expect(told).toEqual(await story(plain, options(plain), steps, drainMs));
            // After a shutdown nothing may be left, whichever way.
            expect(told.at(-1)).toBe(0);
            expect(told.at(-3)).toMatchObject({ inFlight: 0 });
          },
        ),
        { seed: runSeed(), numRuns: 150 },
      );
    },
    60_000,
  );
});
