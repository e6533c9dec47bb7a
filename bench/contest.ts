import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { Answer, Command, Figures, Place } from './contestants/protocol.ts';
import { median, sum } from './contestants/statistics.ts';
import { nodeBinary } from './node-binary.ts';
import type { Contest, Row } from './rows.ts';

/** A row with what came out. */
export interface Result extends Row {
  readonly contest: string;
  /** Medians of the rounds, in the row's unit; undefined when anything was lost or duplicated. */
  readonly oursValue: number | undefined;
  readonly floorValue: number | undefined;
  /** Median of the rounds' own ratios: what slows the machine down for a moment slows both. */
  readonly ratio: number | undefined;
  readonly lost: number;
  readonly duplicated: number;
  /** Why the floor has no value although nothing was wrong with it. */
  readonly notMeasured: string | undefined;
  /** Undefined for a row without a bar. */
  readonly passed: boolean | undefined;
}

/** Plain Node, without the loader this file may run under. */
const RUN = fileURLToPath(new URL('../dist/bench/run.js', import.meta.url));

/** Runs the contestants by turns, each in a process of its own that stays warm from round to round. */
export async function hold(contest: Contest, rounds: number, place: Place): Promise<Result[]> {
  const entered: Entered[] = [];
  try {
    for (const [name, major] of entrants(contest)) {
      const node = major === undefined ? process.execPath : await nodeBinary(major);
      if (node !== undefined) entered.push(await Entered.start(name, place, node));
    }
    for (let round = 0; round < (contest.rounds ?? rounds); round++) {
      // Nobody always comes first: the first of a round finds the machine as the last one left it.
      const first = round % entered.length;
      for (const contestant of [...entered.slice(first), ...entered.slice(0, first)])
        await contestant.round();
    }
    return contest.rows.map((row) => resultOf(contest.name, row, entered));
  } finally {
    await Promise.all(entered.map((contestant) => contestant.end()));
  }
}

/** By name, with the version of Node that each demands. */
function entrants({ rows }: Contest): Map<string, number | undefined> {
  const names = new Map<string, number | undefined>();
  for (const { ours, floor, floorNode } of rows) {
    names.set(ours, undefined);
    if (floor !== undefined) names.set(floor, floorNode);
  }
  return names;
}

function resultOf(contest: string, row: Row, entered: readonly Entered[]): Result {
  const of = (wanted: string) => entered.find(({ name }) => name === wanted)?.figures ?? [];
  const ours = of(row.ours);
  const floor = row.floor === undefined ? [] : of(row.floor);
  const lost = sum(ours, 'lost') + sum(floor, 'lost');
  const duplicated = sum(ours, 'duplicated') + sum(floor, 'duplicated');
  const isMissing = row.floor !== undefined && floor.length === 0;
  const isVoid = lost + duplicated > 0;
  const values = (figures: readonly Figures[]) => figures.map((figure) => figure.values[row.unit] ?? NaN);
  const ratios = values(ours).map((value, round) => value / (values(floor)[round] ?? NaN));
  const oursValue = isVoid ? undefined : median(values(ours));
  const ratio = isVoid || isMissing || row.floor === undefined ? undefined : median(ratios);
  const reached = row.floor === undefined ? oursValue : ratio;
  return {
    ...row,
    contest,
    oursValue,
    notMeasured: isMissing ? `there is no Node ${row.floorNode}` : undefined,
    floorValue: isVoid || isMissing || row.floor === undefined ? undefined : median(values(floor)),
    ratio,
    lost,
    duplicated,
    passed: row.bar === undefined ? undefined : reached !== undefined && meets(reached, row.bar),
  };
}

const meets = (reached: number, bar: NonNullable<Row['bar']>): boolean =>
  'atLeast' in bar ? reached >= bar.atLeast : reached <= bar.atMost;

class Entered {
  readonly name: string;
  readonly figures: Figures[] = [];
  readonly #process: ChildProcess;

  private constructor(name: string, child: ChildProcess) {
    this.name = name;
    this.#process = child;
  }

  /** Resolves once it is warmed up. */
  static async start(name: string, place: Place, node: string): Promise<Entered> {
    const child = fork(RUN, [name, place.url, place.prefix], { execPath: node, execArgv: ['--expose-gc'] });
    const entered = new Entered(name, child);
    await entered.#answer();
    return entered;
  }

  async round(): Promise<void> {
    this.#tell({ type: 'round' });
    const answer = await this.#answer();
    if (answer.type === 'figures') this.figures.push(answer.figures);
  }

  async end(): Promise<void> {
    if (!this.#process.connected) return;
    const ended = once(this.#process, 'exit');
    this.#tell({ type: 'end' });
    await ended;
  }

  #tell(command: Command): void {
    this.#process.send(command);
  }

  /** @throws {Error} what the contestant failed with. */
  async #answer(): Promise<Answer> {
    const waiting = new AbortController();
    const { signal } = waiting;
    try {
      const answer = await Promise.race([
        once(this.#process, 'message', { signal }).then(([message]) => message as Answer),
        once(this.#process, 'exit', { signal }).then(([code]): Answer => {
          return { type: 'failed', error: `its process ended with code ${code}` };
        }),
      ]);
      if (answer.type !== 'failed') return answer;
      this.#process.kill();
      throw new Error(`${this.name}: ${answer.error}`);
    } finally {
      waiting.abort();
    }
  }
}
