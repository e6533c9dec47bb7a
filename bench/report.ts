import Table from 'cli-table3';
import type { Unit } from './contestants/protocol.ts';
import type { Result } from './contest.ts';
import type { Surroundings } from './surroundings.ts';

const HEAD = ['what', 'floor', 'ours', 'ratio', 'bar', ''];

/** The results as a table for the terminal. */
export function tableOf(results: readonly Result[]): string {
  const table = new Table({
    head: HEAD,
    style: { head: ['bold'] },
    colAligns: ['left', 'right', 'right', 'right', 'right', 'left'],
  });
  for (const result of results) table.push(cellsOf(result));
  return table.toString();
}

/** The page docs/performance.md: tables by place, the plot, and what the figures depend on. */
export function pageOf(results: readonly Result[], around: Surroundings, rounds: number): string {
  const lines = (rows: readonly Result[]) => rows.map((row) => `| ${cellsOf(row).join(' | ')} |`);
  const { node, machine, libraries, brokers, commit, date, load } = around;
  return [
    '# Performance',
    '',
    'Written by `npm run bench -- --write`. Each row compares the bus with a floor: what one writes by hand, or with the bare driver, for the same job. The floor runs in the same run, and the bar is a multiple of it: figures of one machine say little about another, ratios say more.',
    '',
    '![Each row as a multiple of its floor, and its bar](performance.svg)',
    '',
    `| ${HEAD.join(' | ')} |`,
    '|---|--:|--:|--:|--:|---|',
    ...lines(results),
    '',
    '## Where and with what',
    '',
    `- ${date}, commit ${commit}`,
    `- Node ${node}; ${libraries.join(', ')}`,
    `- ${machine}`,
    `- Load average ${load} in the 5 minutes before the end. Above 2 other work ran beside it: the rows of a broker need two free processors, and p99 a quiet machine.`,
    ...brokers.map((broker) => `- ${broker}`),
    '',
    '## How',
    '',
    ...method(rounds),
    '',
  ].join('\n');
}

const method = (rounds: number): string[] => [
  `- Each contestant runs in a process of its own, in plain Node, warmed up. They take turns for ${rounds} rounds; the table shows medians, and the ratio is the median of the rounds' own ratios, because what slows the machine for a moment slows both.`,
  '- Options are the defaults. Events are built beforehand: what it costs to build one (schema, frozen copy, id) is not in these rows. In memory every contestant publishes the same ten thousand events again and again; on Redis each is published once.',
  '- Handlers are async, take `(event, context)`, and count. Each delivery is checked: a row in which anything was lost or came twice has no figure.',
  '- Isolation by hand is `Promise.allSettled(handlers.map(async (handle) => handle(event)))`; without isolation it is `Promise.all(handlers.map((handle) => handle(event)))`, which has no context, retries, dead letters, statistics or time limits.',
  '- The bare twins write the same JSON body and the same headers or fields. On Redis: a pipeline of XADD; XREADGROUP COUNT 100, JSON.parse, handler, one awaited XACK a batch. On RabbitMQ: a confirm channel and waitForConfirms once a list; prefetch 100 and one ack a message. On Kafka: `send` with acks all; `eachBatch` with JSON.parse. Ours also checks each event by its schema, freezes it, keeps the order of each aggregate, settles and counts. Both stand on the same driver as its defaults make it, but that ours reads the answers to fetches from Kafka itself; RabbitMQ has the same queue for both.',
  '- A backlog is timed from its first delivery to its last. Afterwards everything must be acknowledged at the broker; what is not counts as a duplicate to come.',
  '- What Redis does before it answers changes its rows: with `appendfsync always` the bare loop waits for the disk, and the bus reads ahead meanwhile. `REDIS_URL=… npm run bench` measures yours, RABBITMQ_URL and KAFKA_BOOTSTRAP_SERVERS likewise.',
  '- What telemetry costs without an SDK is measured within one process, with it and without by turns: two processes of one program differ by more. The figure is the median of the pairs.',
  '- From publish to handler: one event at a time, until the handler is called.',
  '- Other libraries stand beside ours for orientation, without a bar: they do other things. BullMQ keeps jobs, not an order within an aggregate; @platformatic/kafka, a driver, needs Node 24 and runs on it, whatever the others run on; ours runs on kafkajs.',
  '- Heap growth is what a collected heap holds more after the deliveries than before them.',
];

function cellsOf(result: Result): [string, string, string, string, string, string] {
  const { unit, ours, floor, bar, oursValue, floorValue, ratio, notMeasured, passed } = result;
  const shown = (value: number | undefined) => (value === undefined ? 'void' : format(value, unit));
  return [
    result.what,
    floor === undefined ? '–' : notMeasured === undefined ? shown(floorValue) : 'not measured',
    ours === undefined ? '–' : shown(oursValue),
    floor === undefined || notMeasured !== undefined
      ? '–'
      : ratio === undefined
        ? 'void'
        : `${ratio.toFixed(2)} ×`,
    bar === undefined ? '–' : barOf(result),
    passed === undefined ? (notMeasured ?? '') : passed ? 'pass' : failure(result),
  ];
}

function barOf({ bar, floor, unit }: Result): string {
  if (bar === undefined) return '–';
  const [sign, value] = 'atLeast' in bar ? ['≥', bar.atLeast] : ['≤', bar.atMost];
  return `${sign} ${floor === undefined ? format(value, unit) : `${value} ×`}`;
}

const failure = ({ lost, duplicated }: Result): string =>
  lost + duplicated === 0 ? 'FAIL' : `FAIL: ${lost} lost, ${duplicated} twice`;

const whole = new Intl.NumberFormat('en', { maximumFractionDigits: 0 });

function format(value: number, unit: Unit): string {
  switch (unit) {
    case 'perSecond':
      return `${whole.format(Number(value.toPrecision(3)))}/s`;
    case 'ofFloor':
      return `${value.toFixed(2)} ×`;
    case 'p50Ms':
    case 'p99Ms':
      return `${value.toFixed(3)} ms`;
    case 'growthBytes':
      return `${(value / 1_000_000).toFixed(2)} MB`;
  }
}
