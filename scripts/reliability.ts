import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { format, resolveConfig } from 'prettier';
import { surroundings, type Surroundings } from '../bench/surroundings.ts';
import { figuresVariable, type Figures } from '../test/fault/figures.ts';

/**
 * `npm run reliability`: runs the fault tests of every broker, and writes docs/reliability.md from their figures. With the
 * name of a file it writes the page from figures that an earlier run left there, one JSON object a line.
 */

const PAGE = 'docs/reliability.md';

/** Undefined when a test failed. */
async function figuresOfRun(): Promise<string | undefined> {
  const folder = mkdtempSync(join(tmpdir(), 'buschart-reliability-'));
  const file = join(folder, 'figures.jsonl');
  try {
    const tests = await execa('vitest', ['run', '--project', 'brokers', 'test/fault/faults-'], {
      env: { [figuresVariable]: file, BUSCHART_REQUIRE: 'redis,rabbitmq,kafka' },
      stdin: 'ignore',
      stdout: 'inherit',
      stderr: 'inherit',
      reject: false,
      preferLocal: true,
    });
    return tests.failed ? undefined : readFileSync(file, 'utf8');
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function pageOf(figures: readonly Figures[], { date, commit, machine, node }: Surroundings): string {
  const brokers = [...new Set(figures.map(({ broker }) => broker))];
  return [
    '# Reliability',
    '',
    'Written by `npm run reliability` from a run of the fault tests (`test/fault/faults-*.test.ts`), which are part of `npm test`. Every test starts a broker of its own, publishes, strikes, and then asks the broker itself, not the bus, what it holds.',
    '',
    ...brokers.flatMap((broker) => [
      `## ${CALLED[broker]}`,
      '',
      `| ${HEAD.join(' | ')} |`,
      `|---|${'--:|'.repeat(HEAD.length - 1)}`,
      ...figures.filter((row) => row.broker === broker).map((row) => `| ${cellsOf(row).join(' | ')} |`),
      '',
    ]),
    '## How to read it',
    '',
    ...HOW,
    '',
    `Run on ${date}, commit ${commit}, Node ${node}, ${machine}.`,
    '',
  ].join('\n');
}

function cellsOf(row: Figures): readonly (string | number)[] {
  return [
    row.fault,
    row.faults,
    row.confirmed,
    row.handled,
    row.deadLettered,
    row.lost,
    `${row.redelivered} ≤ ${row.inFlight}`,
    `${row.storedTwice} ≤ ${row.inDoubt}`,
  ];
}

const HEAD = [
  'fault',
  'times',
  'confirmed',
  'handled',
  'dead letters',
  'lost',
  'handed out again ≤ in flight',
  'published again ≤ in doubt',
];

const CALLED = { memory: 'In memory', redis: 'Redis', rabbitmq: 'RabbitMQ', kafka: 'Kafka' } as const;

const HOW = [
  '- Confirmed is what `publish` resolved for. Each is handled, or a dead letter, or lost: the test fails unless the last is 0. Poisonous events become dead letters on purpose.',
  '- Handed out again: handled a second time because the consumer, its process or the broker went away between handling and acknowledgement. At most what was in flight when a fault struck, all faults of the row together. Redis tells which; RabbitMQ and Kafka tell, or imply, how many.',
  '- Published again: stored a second time, under the same event id, because the answer to a publish never came. At most what was published without an answer when a fault struck, or while the way to the broker was broken. Handlers that must not see it twice go by `eventId`.',
  '- Every row also holds I1 to I5 of [architecture.md](architecture.md): attempts of a key never overlap, and start in the order of publishing, across the whole group on Kafka, within each consumer on Redis and RabbitMQ. There the order isn’t looked at where consumers restart in turn or come and go: what one gives back comes to another after what that has already.',
];

const [given] = process.argv.slice(2);
const lines = given === undefined ? await figuresOfRun() : readFileSync(given, 'utf8');
if (lines === undefined) {
  console.error(`A fault test failed: ${PAGE} is left as it was.`);
  process.exitCode = 1;
} else {
  const figures = lines
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Figures);
  const page = pageOf(figures, await surroundings([]));
  writeFileSync(PAGE, await format(page, { ...(await resolveConfig(PAGE)), parser: 'markdown' }));
}
