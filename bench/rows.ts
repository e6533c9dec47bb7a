import type { Unit } from './contestants/protocol.ts';

/** A comparison in the table. Without a floor it stands for itself; without a bar it is only shown. */
export interface Row {
  readonly what: string;
  readonly ours: string;
  readonly floor?: string;
  readonly unit: Unit;
  /** What ours must be, as a multiple of the floor, or in the row's unit where there is no floor. */
  readonly bar?: { readonly atLeast: number } | { readonly atMost: number };
}

/** Contestants that run in turns, and the rows that come out of it. */
export interface Contest {
  readonly name: string;
  readonly needsRedis: boolean;
  /** Of what is measured within one process, repeating it says nothing new. */
  readonly rounds?: number;
  readonly rows: readonly Row[];
}

const isNode20 = Number(process.versions.node.split('.')[0]) < 24;
/** Node 24 runs Promise.allSettled faster, and everything else about as fast as before. */
const overSettled = { atLeast: isNode20 ? 1.5 : 1.2 };
const MEGABYTE = 1_000_000;

const count = (handlers: number): string => `${handlers} handler${handlers === 1 ? '' : 's'}`;

const isolated = (handlers: number): Contest => ({
  name: `memory ×${handlers}`,
  needsRedis: false,
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

export const contests: readonly Contest[] = [
  isolated(1),
  isolated(10),
  {
    name: 'memory ×3',
    needsRedis: false,
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
    name: 'redis publish',
    needsRedis: true,
    rows: [
      {
        what: 'Redis, publish lists of 100',
        ours: 'buschart lists',
        floor: 'bare pipeline',
        unit: 'perSecond',
        bar: { atLeast: 0.9 },
      },
    ],
  },
  {
    name: 'redis consume',
    needsRedis: true,
    rows: [
      {
        what: 'Redis, consume a backlog of 20,000',
        ours: 'buschart backlog',
        floor: 'bare loop',
        unit: 'perSecond',
        bar: { atLeast: 1.2 },
      },
      {
        what: "Redis, the same with validateOn: 'publish'",
        ours: "buschart backlog, validateOn 'publish'",
        floor: 'bare loop',
        unit: 'perSecond',
      },
    ],
  },
  {
    name: 'redis journey',
    needsRedis: true,
    rows: [
      {
        what: 'Redis, from publish to handler, p50',
        ours: 'buschart journey',
        floor: 'bare journey',
        unit: 'p50Ms',
        bar: { atMost: 1.2 },
      },
      {
        what: 'Redis, from publish to handler, p99',
        ours: 'buschart journey',
        floor: 'bare journey',
        unit: 'p99Ms',
        bar: { atMost: 1.2 },
      },
    ],
  },
  {
    name: 'memory heap',
    needsRedis: false,
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
    needsRedis: true,
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
