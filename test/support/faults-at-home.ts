// Run as a process of its own: every mistake a user's code can make, and a bus that must outlive them all.
import { z } from 'zod';
import { EventRegistry, InMemoryEventBus, MemoryBroker, defineEvent } from '../../src/index.ts';

const registry = new EventRegistry();
const Pinged = defineEvent({ type: 'Pinged', aggregateType: 'Ball', registry, schema: z.object({}) });
const broken = (): never => {
  throw new Error('broken on purpose');
};
const nasty = {
  get code(): string {
    return broken();
  },
  get message(): string {
    return broken();
  },
  toString: broken,
};
const mistakes: Record<string, () => unknown> = {
  'throws an error': broken,
  'throws null': () => {
    throw null as unknown;
  },
  'throws undefined': () => {
    throw undefined as unknown;
  },
  'throws a thing with throwing getters': () => {
    throw nasty as unknown;
  },
  rejects: () => Promise.reject(new Error('later')),
  'rejects with nothing': () => Promise.reject(undefined as unknown as Error),
  'rejects late': async () => {
    await new Promise((resolve) => setImmediate(resolve));
    broken();
  },
  'returns a throwing then getter': () => ({
    get then(): unknown {
      return broken();
    },
  }),
  'returns a throwing thenable': () => ({ then: broken }),
  'returns a thenable that resolves twice': () => ({
    then: (resolve: () => void) => {
      resolve();
      resolve();
    },
  }),
  'returns a thenable that rejects, resolves, and throws': () => ({
    then: (resolve: () => void, reject: (error: Error) => void) => {
      reject(new Error('first'));
      resolve();
      broken();
    },
  }),
  'leaves its publish unawaited': (...[, context]: unknown[]) =>
    void (context as { publish(events: unknown): Promise<void> }).publish([{ no: 'event' }]).catch(() => 0),
};

let problems = 0;
process.on('uncaughtException', () => problems++);
process.on('unhandledRejection', () => problems++);

for (const options of [
  {},
  { ordering: 'key' as const },
  { broker: new MemoryBroker() },
  { enableDlq: false },
  { maxRetries: 1, retry: { baseDelayMs: 0, classify: broken } },
  {
    maxRetries: 1,
    retry: {
      baseDelayMs: 0,
      classify: (() => Promise.reject(new Error('async'))) as unknown as typeof broken,
    },
  },
  { maxRetries: 1, retry: { baseDelayMs: 0, classify: (() => 'nonsense') as unknown as typeof broken } },
]) {
  const bus = new InMemoryEventBus({
    registry,
    ...options,
    logger: { debug: broken, info: broken, warn: broken, error: broken },
    inspect: broken,
  });
  let good = 0;
  for (const [name, mistake] of Object.entries(mistakes)) bus.subscribe(Pinged, mistake, { name });
  bus.subscribe(Pinged, () => good++, { name: 'good' });
  bus.inspect({ next: broken });
  const rejecting = (async (): Promise<never> => {
    await Promise.resolve();
    return broken();
  }) as () => void;
  bus.actor.subscribe(broken);
  bus.actor.subscribe({ next: broken, complete: broken });
  bus.actor.subscribe(rejecting);
  bus.actor.on('*' as never, broken);
  const listened = bus.subscribe(Pinged, () => undefined, { name: 'listened' });
  listened.actor.subscribe({ next: broken, error: broken, complete: broken });
  listened.pause();
  listened.resume();
  bus.inspect(rejecting);
  const left = process.listeners('uncaughtException').length;
  await bus.publish([Pinged({ aggregateId: 'a' }), Pinged({ aggregateId: 'a' })]);
  await bus.idle();
  const { handlerErrors, inFlight } = bus.getStats();
  const isWell =
    good === 2 &&
    inFlight === 0 &&
    handlerErrors >= 18 &&
    left === process.listeners('uncaughtException').length;
  if (!isWell) {
    console.error({ options, good, handlerErrors, inFlight });
    problems++;
  }
  await bus.shutdown();
}
await new Promise((resolve) => setTimeout(resolve, 20));
process.exitCode = problems === 0 ? 0 : 1;
if (problems > 0) console.error(`${problems} problem(s)`);
