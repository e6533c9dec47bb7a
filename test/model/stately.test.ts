import { readFileSync } from 'node:fs';
import { extractMachinesFromFile } from '@xstate/machine-extractor';
import { describe, expect, it } from 'vitest';
import { chartOf } from '../../src/charts/index.ts';
import { machines } from '../../src/cli/machines.ts';

/** A config as the extractor reads it, in the words of XState 4. */
interface Read {
  readonly id?: string;
  readonly states?: Readonly<Record<string, Read>>;
  readonly on?: Readonly<Record<string, Transitions>>;
  readonly after?: Readonly<Record<string, Transitions>>;
  readonly always?: Transitions;
  readonly onDone?: Transitions;
  readonly invoke?: Invoke | readonly Invoke[];
}
interface Invoke {
  readonly src: string;
  readonly onDone?: Transitions;
  readonly onError?: Transitions;
}
interface Transition {
  readonly target?: string | readonly string[];
  readonly cond?: { readonly type: string };
}
type Transitions = Transition | readonly Transition[];

const listed = <T>(value: T | readonly T[] | undefined): readonly T[] =>
  value === undefined ? [] : Array.isArray(value) ? (value as readonly T[]) : [value as T];

/** Each state with its transitions, as `label [guard] → number of targets`. */
function statesRead(read: Read, id: string): [string, string[]][] {
  const lines = (label: string, transitions: Transitions | undefined) =>
    listed(transitions).map(({ cond, target }) => line(label, cond?.type, listed(target).length));
  const transitions = [
    ...lines('always', read.always),
    ...Object.entries(read.on ?? {}).flatMap(([event, transition]) =>
      lines(event.replace(/^xstate\.(?<how>done|error)\.actor\./, '$<how> '), transition),
    ),
    ...Object.entries(read.after ?? {}).flatMap(([delay, transition]) => lines(`after ${delay}`, transition)),
    ...lines('done', read.onDone),
    ...listed(read.invoke).flatMap(({ src, onDone, onError }) => [
      ...lines(`done ${src}`, onDone),
      ...lines(`error ${src}`, onError),
    ]),
  ];
  const children = Object.entries(read.states ?? {});
  return [
    [id, transitions.toSorted()],
    ...children.flatMap(([key, child]) => statesRead(child, `${id}.${key}`)),
  ];
}

const line = (label: string, guard: string | undefined, targets: number) =>
  `${label}${guard === undefined ? '' : ` [${guard}]`} → ${targets}`;

describe.each([...machines])("Stately's editor reads from machines/%s.ts", (name, machine) => {
  const file = readFileSync(new URL(`../../machines/${name}.ts`, import.meta.url), 'utf8');
  const extracted = extractMachinesFromFile(file)?.machines ?? [];
  const read = new Map(
    extracted.flatMap((one) => statesRead(one!.toConfig() as Read, one!.toConfig()?.id ?? '')),
  );
  const chart = chartOf(machine);

  it('one machine', () => {
    expect(extracted).toHaveLength(1);
  });

  it('all its states, and no others', () => {
    expect([...read.keys()]).toEqual(chart.states.map(({ id }) => id));
  });

  it('every transition with its event and guard', () => {
    for (const { id } of chart.states) {
      const own = chart.transitions.filter(({ source }) => source === id);
      expect(read.get(id), id).toEqual(
        own.map(({ label, guard, targets }) => line(label, guard, targets.length)).toSorted(),
      );
    }
  });
});
