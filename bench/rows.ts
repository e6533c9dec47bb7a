import type { BrokerName } from '../brokers/recipes.ts';
import type { Unit } from './contestants/protocol.ts';
import { nodeMajor } from './node-binary.ts';

/** A comparison in the table. Without a floor it stands for itself; without a bar it is only shown. */
export interface Row {
  readonly what: string;
  readonly ours: string;
  readonly floor?: string;
  /** Oldest major version of Node that the floor runs on, where not every one does. */
  readonly floorNode?: number;
  readonly unit: Unit;
  /** What ours must be, as a multiple of the floor, or in the row's unit where there is no floor. */
  readonly bar?: { readonly atLeast: number } | { readonly atMost: number };
}

/** Contestants that run in turns, and the rows that come out of it. */
export interface Contest {
  readonly name: string;
  /** The one it runs on; none for those in memory. */
  readonly broker?: BrokerName;
  /** Of what is measured within one process, repeating it says nothing new. */
  readonly rounds?: number;
  readonly rows: readonly Row[];
}

/** Node 24 runs Promise.allSettled faster, and everything else about as fast as before. */
const overSettled = { atLeast: nodeMajor < 24 ? 1.5 : 1.2 };
/** Node 20 copies objects slowly. */
const underInspection = { atLeast: nodeMajor < 24 ? 0.3 : 0.5 };
const MEGABYTE = 1_000_000;

const count = (handlers: number): string => `${handlers} handler${handlers === 1 ? '' : 's'}`;

const isolated = (handlers: number): Contest => ({
  name: `memory ×${handlers}`,
  rows: [
    {
      what: `in memory, ${count(handlers)}, over isolation by hand`,
      ours: `buschart ×${handlers}`,
      floor: `allSettled by hand ×${handlers}`,
      unit: 'perSecond',
      bar: overSettled,
    },
    {
      what: `in memory, ${count(handlers)}, over no isolation`,
      ours: `buschart ×${handlers}`,
      floor: `bare Promise.all ×${handlers}`,
      unit: 'perSecond',
      bar: { atLeast: 0.6 },
    },
  ],
});

interface BrokerBars {
  readonly broker: BrokerName;
  /** As one writes it. */
  readonly called: string;
  readonly backlog: string;
  readonly publish: number;
  readonly consume: number;
  /** Undefined where validation costs too little to be asked for. */
  readonly unvalidated?: number | 'shown';
  readonly p99?: number;
  readonly peer: string;
  /** The major version of Node that the peer's package demands. */
  readonly peerNode?: number;
}

/** Publishing, consuming and the way between, against the bare driver; and beside another library, for orientation. */
function brokerContests(bars: BrokerBars): Contest[] {
  const { broker, called, backlog, publish, consume, unvalidated, p99, peer, peerNode } = bars;
  const ours = (job: string, variant = '') => `${broker} ${job}: buschart${variant}`;
  const floor = (job: string) => `${broker} ${job}: bare`;
  const beside = (what: string, job: string, unit: Unit): Row => ({
    what: `${called}, ${what}, beside ${peer}${peerNode === undefined ? '' : ` (Node ${peerNode})`}`,
    ours: ours(job),
    floor: `${broker} ${job}: ${peer}`,
    ...(peerNode !== undefined && { floorNode: peerNode }),
    unit,
  });
  const row = (what: string, job: string, unit: Unit, bar?: Row['bar'], variant = ''): Row => ({
    what: `${called}, ${what}`,
    ours: ours(job, variant),
    floor: floor(job),
    unit,
    ...(bar && { bar }),
  });
  const notAtAll =
    unvalidated === undefined
      ? []
      : [
          row(
            "the same with validateOn: 'publish'",
            'consume',
            'perSecond',
            unvalidated === 'shown' ? undefined : { atLeast: unvalidated },
            ", validateOn 'publish'",
          ),
        ];
  return [
    {
      name: `${broker} publish`,
      broker,
      rows: [
        row('publish lists of 100', 'publish', 'perSecond', { atLeast: publish }),
        beside('publish lists of 100', 'publish', 'perSecond'),
      ],
    },
    {
      name: `${broker} consume`,
      broker,
      rows: [
        row(`consume ${backlog}`, 'consume', 'perSecond', { atLeast: consume }),
        ...notAtAll,
        beside(`consume ${backlog}`, 'consume', 'perSecond'),
      ],
    },
    {
      name: `${broker} journey`,
      broker,
      rows: [
        row('from publish to handler, p50', 'journey', 'p50Ms', { atMost: 1.2 }),
        row(
          'from publish to handler, p99',
          'journey',
          'p99Ms',
          p99 === undefined ? undefined : { atMost: p99 },
        ),
        beside('from publish to handler, p50', 'journey', 'p50Ms'),
      ],
    },
  ];
}

const onRedis = brokerContests({
  broker: 'redis',
  called: 'Redis',
  backlog: 'a backlog of 20,000',
  publish: 0.9,
  consume: 1.2,
  unvalidated: 'shown',
  p99: 1.2,
  peer: 'bullmq',
});

const onRabbit = brokerContests({
  broker: 'rabbitmq',
  called: 'RabbitMQ',
  backlog: 'a backlog of 10,000, prefetch 100',
  publish: 0.9,
  consume: 1.1,
  peer: 'rabbitmq-client',
});

const onKafka = brokerContests({
  broker: 'kafka',
  called: 'Kafka',
  backlog: 'a backlog of 60,000',
  publish: 0.9,
  consume: 0.65,
  unvalidated: 0.85,
  peer: '@platformatic/kafka',
  peerNode: 24,
});

export const contests: readonly Contest[] = [
  isolated(1),
  isolated(10),
  {
    name: 'memory ×3',
    rows: [
      {
        what: 'in memory, 3 handlers, over emittery',
        ours: 'buschart ×3',
        floor: 'emittery ×3',
        unit: 'perSecond',
        bar: { atLeast: 3 },
      },
    ],
  },
  {
    name: 'memory inspected',
    rows: [
      {
        what: 'in memory, with an observer',
        ours: 'inspection: observer',
        floor: 'inspection: none',
        unit: 'perSecond',
        bar: underInspection,
      },
      {
        what: 'in memory, with an observer that is shown everything',
        ours: 'inspection: observer of all',
        floor: 'inspection: none',
        unit: 'perSecond',
      },
      {
        what: 'in memory, with the inspector and its page open',
        ours: 'inspection: page',
        floor: 'inspection: none',
        unit: 'perSecond',
        bar: underInspection,
      },
      {
        what: 'the same with 100 actors, in deliveries',
        ours: 'inspection: page, 100 actors',
        unit: 'perSecond',
        bar: { atLeast: 50_000 },
      },
    ],
  },
  {
    name: 'memory untraced',
    rows: [
      {
        what: 'in memory, without an SDK, over telemetry switched off, by turns in one process',
        ours: 'telemetry: none, by turns with off',
        unit: 'ofFloor',
        bar: { atLeast: 0.97 },
      },
    ],
  },
  {
    name: 'redis untraced',
    broker: 'redis',
    rows: [
      {
        what: 'Redis, consume a backlog of 20,000, without an SDK, over telemetry switched off, by turns in one process',
        ours: 'redis consume: buschart, by turns with telemetry off',
        unit: 'ofFloor',
        bar: { atLeast: 0.97 },
      },
    ],
  },
  {
    name: 'memory traced',
    rows: [
      {
        what: 'in memory, with an SDK that measures',
        ours: 'telemetry: metrics',
        floor: 'telemetry: none',
        unit: 'perSecond',
      },
      {
        what: 'in memory, with an SDK that traces and exports nothing, over the same spans by hand',
        ours: 'telemetry: traces',
        floor: 'telemetry: by hand',
        unit: 'perSecond',
        bar: { atLeast: 0.7 },
      },
      {
        what: 'in memory, with an SDK that traces and exports nothing',
        ours: 'telemetry: traces',
        floor: 'telemetry: none',
        unit: 'perSecond',
      },
    ],
  },
  {
    name: 'redis traced',
    broker: 'redis',
    rows: [
      {
        what: 'Redis, consume a backlog of 20,000, with an SDK that traces and measures and exports nothing',
        ours: 'redis consume: buschart, traced',
        floor: 'redis consume: buschart',
        unit: 'perSecond',
        bar: { atLeast: 0.7 },
      },
    ],
  },
  ...onRedis,
  ...onRabbit,
  ...onKafka,
  {
    name: 'memory heap',
    rounds: 1,
    rows: [
      {
        what: 'heap growth, 1,000,000 deliveries in memory',
        ours: 'memory heap',
        unit: 'growthBytes',
        bar: { atMost: 10 * MEGABYTE },
      },
    ],
  },
  {
    name: 'redis heap',
    broker: 'redis',
    rounds: 1,
    rows: [
      {
        what: 'heap growth, 200,000 deliveries on Redis',
        ours: 'redis heap',
        unit: 'growthBytes',
        bar: { atMost: 10 * MEGABYTE },
      },
    ],
  },
];
