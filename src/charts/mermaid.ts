import type { Chart, ChartState, ChartTransition } from './chart.ts';
import { headOf } from './boxes.ts';
import { isBelow, linesOf } from './lines.ts';

/**
 * The chart as Mermaid's `stateDiagram-v2`. What a state invokes and the transitions that don't leave it are written in
 * it; what holds in any state of a parent, in a box of its own. Actions are left out, for they would hide the chart.
 */
export function mermaidOf(chart: Chart): string {
  const [root] = chart.states;
  if (root === undefined) return 'stateDiagram-v2\n';
  const names = namesOf(chart);
  const isFramed =
    root.type === 'parallel' ||
    childrenOf(chart, root).length === 0 ||
    chart.transitions.some(({ targets }) => targets.includes(root.id));
  const states = isFramed ? drawn(chart, root, names) : inside(chart, root, names);
  const arrows = linesOf(chart).flatMap((line) => arrowsOf(chart, line, names));
  return `${['stateDiagram-v2', ...[...states, ...arrows].map((line) => `  ${line}`)].join('\n')}\n`;
}

type Names = ReadonlyMap<string, string>;

/** Mermaid's ids are of letters, digits and underscores; two states may come to the same. */
function namesOf(chart: Chart): Names {
  const names = new Map<string, string>();
  const taken = new Set<string>();
  for (const { id } of chart.states) {
    const letters = id.replaceAll(/\W/g, '_');
    // A lone word may be one of Mermaid's own, such as end.
    const name = /^\d|^[^_]*$/.test(letters) ? `_${letters}` : letters;
    let free = name;
    for (let count = 2; taken.has(free); count++) free = `${name}_${count}`;
    taken.add(free);
    names.set(id, free);
  }
  return names;
}

function childrenOf(chart: Chart, state: ChartState): ChartState[] {
  return chart.states.filter(({ parent }) => parent === state.id);
}

function drawn(chart: Chart, state: ChartState, names: Names): string[] {
  const name = names.get(state.id)!;
  const title =
    state.type === 'history' ? `${state.key} (${state.history === 'deep' ? 'H*' : 'H'})` : state.key;
  const head = `state "${plain(title)}" as ${name}`;
  if (childrenOf(chart, state).length > 0)
    return [`${head} {`, ...inside(chart, state, names).map((line) => `  ${line}`), '}'];
  const texts = textsOf(chart, state).map((text) => `${name} : ${plain(text)}`);
  const way =
    state.type === 'history' && state.initial !== undefined
      ? [`${name} --> ${names.get(state.initial)}`]
      : [];
  return [head, ...texts, ...way, ...(state.type === 'final' ? [`${name} --> [*]`] : [])];
}

/** What stands within a parent, or within the whole chart. */
function inside(chart: Chart, state: ChartState, names: Names): string[] {
  const name = names.get(state.id)!;
  const texts = textsOf(chart, state);
  const anywhere = hasAnywhere(chart, state)
    ? [
        `state "${plain(`anywhere in ${state.key}`)}" as ${name}_anywhere`,
        ...texts.map((text) => `${name}_anywhere : ${plain(text)}`),
      ]
    : [];
  const initial =
    state.type === 'compound' && state.initial !== undefined ? [`[*] --> ${names.get(state.initial)}`] : [];
  const children = childrenOf(chart, state).map((child) => drawn(chart, child, names));
  const between = state.type === 'parallel' ? ['--'] : [];
  return [
    ...initial,
    ...(between.length > 0 && anywhere.length > 0 ? [...anywhere, ...between] : anywhere),
    ...children.flatMap((lines, at) => (at === 0 ? lines : [...between, ...lines])),
  ];
}

function textsOf(chart: Chart, { id, invokes }: ChartState): string[] {
  return [
    ...invokes.map((invoked) => `invoke ${invoked}`),
    ...chart.transitions.filter(({ source, targets }) => source === id && targets.length === 0).map(headOf),
  ];
}

function hasAnywhere(chart: Chart, state: ChartState): boolean {
  return (
    textsOf(chart, state).length > 0 ||
    chart.transitions.some(
      ({ source, targets }) => source === state.id && targets.some(isBelow(chart, state.id)),
    )
  );
}

/** One for each target; only the first is labelled. */
function arrowsOf(chart: Chart, line: readonly ChartTransition[], names: Names): string[] {
  const { source, targets } = line[0]!;
  return targets.map((target, at) => {
    const from = isBelow(chart, source)(target) ? `${names.get(source)}_anywhere` : names.get(source);
    const label =
      at === 0 ? line.map((one) => plain(headOf(one))).join('<br>') : plain(`with ${line[0]!.label}`);
    return `${from} --> ${names.get(target)} : ${label}`;
  });
}

/**
 * Mermaid ends a text at some of these signs, takes some words for its own wherever they stand, and shows its
 * escapes as they are in some places.
 */
function plain(text: string): string {
  return text
    .replaceAll(/\s+/g, ' ')
    .replaceAll('"', '″')
    .replaceAll(';', ',')
    .replaceAll('<', '‹')
    .replaceAll('>', '›')
    .replaceAll(':', '∶')
    .replaceAll(/%(?=%)/g, '% ')
    .replaceAll('\\', '∖')
    .replaceAll(/\[(?=\[)/g, '[ ')
    .replaceAll(/direction (?=TB|BT|RL|LR)/gi, 'direction-');
}
