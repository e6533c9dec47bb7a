import fc from 'fast-check';
import type { ProxyMode } from '../../src/testing/index.ts';
import type { Fate } from '../support/fate.ts';
import { isReachable, isWhole, type Expectation, type ExpectedConsumer } from './expectation.ts';
import type { Walk } from './walk.ts';

const MOST_CONSUMERS = 4;

/** One thing that a walk does. */
interface Deed {
  /** In words, and without a comma; those of a chosen consumer need what is expected by then. */
  words(expected: Expectation): string;
  makesSense(expected: Readonly<Expectation>): boolean;
  /** Changes what is expected, and then the world. */
  act(expected: Expectation, walk: Walk): Promise<void> | void;
}

/** Told before each command, in words; throws to end the walk. */
export type Before = (words: string) => void;

/** A deed as fast-check wants it. */
class Command implements fc.AsyncCommand<Expectation, Walk> {
  readonly #deed: Deed;
  readonly #before: Before;
  #words = 'not begun';

  constructor(deed: Deed, before: Before) {
    this.#deed = deed;
    this.#before = before;
  }

  check(expected: Readonly<Expectation>): boolean {
    return this.#deed.makesSense(expected);
  }

  async run(expected: Expectation, walk: Walk): Promise<void> {
    this.#words = this.#deed.words(expected);
    this.#before(this.#words);
    await this.#deed.act(expected, walk);
    if (isWhole(expected)) await walk.whole();
  }

  toString(): string {
    return this.#words;
  }
}

/** Sequences of commands, up to so many. */
export function walks(options: {
  readonly isRemote: boolean;
  readonly most: number;
  readonly before: Before;
  /** As a failed walk was printed with. */
  readonly replayPath?: string | undefined;
}): fc.Arbitrary<Iterable<fc.AsyncCommand<Expectation, Walk>>> {
  const { isRemote, most, before, replayPath } = options;
  const deeds = isRemote ? [...everywhere, ...remotely] : everywhere;
  return fc.commands(
    deeds.map((deed) => deed.map((one) => new Command(one, before))),
    { size: 'max', maxCommands: most, ...(replayPath === undefined ? {} : { replayPath }) },
  ) as fc.Arbitrary<Iterable<fc.AsyncCommand<Expectation, Walk>>>;
}

const fates = fc.constantFrom<Fate>('ok', 'ok', 'ok', 'ok', 'flaky', 'poison');
const told = fc.record({ fate: fates, ms: fc.constantFrom(0, 0, 1, 5, 20, 100) });
const publish: fc.Arbitrary<Deed> = fc
  .array(told, { minLength: 1, maxLength: 40, size: 'max' })
  .map((events) => ({
    words: () => `publish ${countOf(events)}`,
    makesSense: () => true,
    act: (expected, walk) => walk.publish(events, isWhole(expected)),
  }));

const pass: fc.Arbitrary<Deed> = fc.integer({ min: 10, max: 1_500 }).map((ms) => ({
  words: () => `let ${ms} ms pass`,
  makesSense: () => true,
  act: (_expected, walk) => walk.letPass(ms),
}));

/** On a consumer that fits, if there is one. */
function onConsumer(
  words: (name: string) => string,
  fits: (consumer: ExpectedConsumer, expected: Readonly<Expectation>) => boolean,
  act: (consumer: ExpectedConsumer, expected: Expectation, walk: Walk) => Promise<void> | void,
): fc.Arbitrary<Deed> {
  return fc.nat({ max: MOST_CONSUMERS - 1 }).map((pick) => {
    const chosen = (expected: Readonly<Expectation>): ExpectedConsumer | undefined => {
      const fitting = expected.consumers.filter((one) => fits(one, expected));
      return fitting[pick % fitting.length];
    };
    return {
      words: (expected) => words(chosen(expected)?.name ?? 'nobody'),
      makesSense: (expected) => chosen(expected) !== undefined,
      act: (expected, walk) => act(chosen(expected)!, expected, walk),
    };
  });
}

const gone = ({ name }: ExpectedConsumer, expected: Expectation): void => {
  expected.consumers = expected.consumers.filter((one) => one.name !== name);
};

/** One deed without a choice in it. */
const deed = (
  words: string,
  makesSense: Deed['makesSense'],
  act: (expected: Expectation, walk: Walk) => Promise<void> | void,
): fc.Arbitrary<Deed> => fc.constant({ words: () => words, makesSense, act });

const hasRoom = ({ consumers }: Readonly<Expectation>): boolean => consumers.length < MOST_CONSUMERS;

const everywhere: readonly fc.Arbitrary<Deed>[] = [
  publish,
  publish,
  publish,
  pass,
  pass,
  deed(
    'start a consumer',
    (expected) => hasRoom(expected) && isWhole(expected),
    async (expected, walk) => {
      expected.consumers.push({ name: await walk.startLocal(), isElsewhere: false, isPaused: false });
    },
  ),
  onConsumer(
    (name) => `stop ${name}`,
    ({ isElsewhere }, expected) => (isElsewhere ? isReachable(expected) : isWhole(expected)),
    async (consumer, expected, walk) => {
      gone(consumer, expected);
      await walk.stop(consumer.name);
    },
  ),
  onConsumer(
    (name) => `stop ${name} within 50 ms`,
    ({ isElsewhere }) => !isElsewhere,
    async (consumer, expected, walk) => {
      gone(consumer, expected);
      await walk.stop(consumer.name, 50);
    },
  ),
  onConsumer(
    (name) => `have ${name} stop and begin again`,
    ({ isElsewhere, isPaused }, expected) => !isElsewhere && !isPaused && isWhole(expected),
    (consumer, _expected, walk) => walk.consumeAgain(consumer.name),
  ),
  onConsumer(
    (name) => `pause ${name}`,
    ({ isElsewhere, isPaused }) => !isElsewhere && !isPaused,
    (consumer, _expected, walk) => {
      consumer.isPaused = true;
      walk.pause(consumer.name);
    },
  ),
  onConsumer(
    (name) => `resume ${name}`,
    ({ isPaused }) => isPaused,
    (consumer, _expected, walk) => {
      consumer.isPaused = false;
      walk.resume(consumer.name);
    },
  ),
  deed(
    'kill the broker',
    ({ broker }) => broker === 'up',
    async (expected, walk) => {
      expected.broker = 'killed';
      await walk.kill();
    },
  ),
  deed(
    'start the broker',
    ({ broker }) => broker === 'killed',
    async (expected, walk) => {
      expected.broker = 'up';
      await walk.start();
    },
  ),
  deed('replay the dead letters', isWhole, (_expected, walk) => walk.replay()),
];

const ways = fc.constantFrom<ProxyMode>('rst', 'blackhole', 'half-open');
const remotely: readonly fc.Arbitrary<Deed>[] = [
  deed(
    'start a process that consumes',
    (expected) => hasRoom(expected) && isReachable(expected),
    async (expected, walk) => {
      expected.consumers.push({ name: await walk.startWorker(), isElsewhere: true, isPaused: false });
    },
  ),
  onConsumer(
    (name) => `kill ${name}`,
    ({ isElsewhere }) => isElsewhere,
    async (consumer, expected, walk) => {
      gone(consumer, expected);
      await walk.crash(consumer.name);
    },
  ),
  deed(
    'restart the broker',
    ({ broker }) => broker === 'up',
    (_expected, walk) => walk.restart(),
  ),
  deed(
    'freeze the broker',
    ({ broker }) => broker === 'up',
    async (expected, walk) => {
      expected.broker = 'frozen';
      await walk.freeze();
    },
  ),
  deed(
    'thaw the broker',
    ({ broker }) => broker === 'frozen',
    (expected, walk) => {
      expected.broker = 'up';
      walk.thaw();
    },
  ),
  ways.map((mode) => ({
    words: () => `break the way: ${mode}`,
    makesSense: ({ way }) => way === 'pass',
    async act(expected, walk) {
      expected.way = mode;
      await walk.cut(mode);
    },
  })),
  deed(
    'mend the way',
    ({ way }) => way !== 'pass',
    (expected, walk) => {
      expected.way = 'pass';
      walk.heal();
    },
  ),
  deed(
    'let the broker store nothing',
    ({ broker, isRefusing }) => broker === 'up' && !isRefusing,
    async (expected, walk) => {
      expected.isRefusing = true;
      await walk.refuse();
    },
  ),
  deed(
    'let the broker store again',
    ({ broker, isRefusing }) => broker === 'up' && isRefusing,
    async (expected, walk) => {
      expected.isRefusing = false;
      await walk.relent();
    },
  ),
];

function countOf(events: readonly { readonly fate: Fate; readonly ms: number }[]): string {
  const of = (fate: Fate) => events.filter((one) => one.fate === fate).length;
  const details = (['flaky', 'poison'] as const)
    .filter((fate) => of(fate) > 0)
    .map((fate) => `${of(fate)} ${fate}`);
  const slowest = Math.max(...events.map(({ ms }) => ms));
  if (slowest > 0) details.push(`${slowest} ms at most`);
  return `${events.length}${details.length > 0 ? ` (${details.join('; ')})` : ''}`;
}
