import type { Chart, ChartState, ChartTransition } from './chart.ts';
import { textWidth, wrapped } from './text.ts';

export const TITLE_SIZE = 14;
export const LINE_SIZE = 11;
export const LINE_HEIGHT = 15;
export const TITLE_HEIGHT = 26;
export const MARGIN = 10;

/** Letters after which a line of a box, or the label of a transition, goes on below. */
const BOX_LETTERS = 34;
const LABEL_LETTERS = 26;

export type LineKind = 'entry' | 'exit' | 'invoke' | 'event' | 'guard' | 'action';

export interface Line {
  readonly text: string;
  readonly kind: LineKind;
}

/** What is written in a state, under its name; the lines of one inner transition belong together. */
export interface Compartment {
  /** Undefined for what is no transition. */
  readonly transition: ChartTransition | undefined;
  readonly lines: readonly Line[];
}

export interface Box {
  readonly compartments: readonly Compartment[];
  readonly width: number;
  readonly height: number;
}

/** A state without its children: its name, what it does, and the transitions that don't leave it. */
export function boxOf(chart: Chart, state: ChartState): Box {
  const compartments = [
    ...[
      ...wrappedLines('entry', 'entry / ', state.entry),
      ...wrappedLines('exit', 'exit / ', state.exit),
      ...wrappedLines('invoke', 'invoke ', state.invokes),
    ].map((lines) => ({ transition: undefined, lines })),
    ...chart.transitions
      .filter(({ source, targets }) => source === state.id && targets.length === 0)
      .map((transition) => ({ transition, lines: innerLines(transition) })),
  ];
  const lines = compartments.flatMap((one) => one.lines);
  const widths = lines.map(({ text, kind }) => textWidth(text, LINE_SIZE, kind === 'event'));
  return {
    compartments,
    width: Math.max(64, textWidth(state.key, TITLE_SIZE, true), ...widths) + 2 * MARGIN,
    height: TITLE_HEIGHT + (lines.length === 0 ? 6 : 6 + lines.length * LINE_HEIGHT + 4),
  };
}

function wrappedLines(kind: LineKind, before: string, names: readonly string[]): Line[][] {
  if (names.length === 0) return [];
  return [
    wrapped(before + names.join(', '), BOX_LETTERS).map((text, at) => ({
      text: at === 0 ? text : `  ${text}`,
      kind,
    })),
  ];
}

function innerLines(transition: ChartTransition): Line[] {
  const { actions, targets } = transition;
  const isIgnored = actions.length === 0 && targets.length === 0;
  const text = `${headOf(transition)} / ${isIgnored ? 'nothing' : actions.join(', ')}`;
  return wrapped(text, BOX_LETTERS).map((line, at) => ({ text: line, kind: at === 0 ? 'event' : 'action' }));
}

/** Event and guard. */
export function headOf({ label, guard }: ChartTransition): string {
  return guard === undefined ? label : `${label} [${guard}]`;
}

/** What is written along a transition; its actions are left to tables and tooltips, for they would hide the chart. */
export function labelLines({ label, guard }: ChartTransition): Line[] {
  return [
    ...wrapped(label, LABEL_LETTERS).map((text): Line => ({ text, kind: 'event' })),
    ...(guard === undefined
      ? []
      : wrapped(`[${guard}]`, LABEL_LETTERS).map((text): Line => ({ text, kind: 'guard' }))),
  ];
}
