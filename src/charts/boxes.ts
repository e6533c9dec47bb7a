import type { Chart, ChartState, ChartTransition } from './chart.ts';
import { textWidth, wrapped } from './text.ts';

export const TITLE_SIZE = 14;
export const LINE_SIZE = 11;
export const LINE_HEIGHT = 15;
export const TITLE_HEIGHT = 26;
export const MARGIN = 10;

/** Letters after which a line of a box, or the label of a transition, goes on below. */
const BOX_LETTERS = 34;
const PARENT_LETTERS = 64;
const LABEL_LETTERS = 26;

export type Tone = 'name' | 'does' | 'event' | 'guard' | 'action';

/** A run of text of one tone. */
export interface Span {
  readonly text: string;
  readonly tone: Tone;
}

export type Line = readonly Span[];

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
  const isParent = chart.states.some(({ parent }) => parent === state.id);
  const letters = isParent ? PARENT_LETTERS : BOX_LETTERS;
  const does = (what: string, names: readonly string[]): Line[][] =>
    names.length === 0 ? [] : [toned([{ text: `${what} ${names.join(', ')}`, tone: 'does' }], letters)];
  const compartments = [
    ...[...does('entry /', state.entry), ...does('exit /', state.exit), ...does('invoke', state.invokes)].map(
      (lines) => ({ transition: undefined, lines }),
    ),
    ...chart.transitions
      .filter(({ source, targets }) => source === state.id && targets.length === 0)
      .map((transition) => ({ transition, lines: toned(innerSpans(transition), letters) })),
  ];
  const lines = compartments.flatMap((one) => one.lines);
  return {
    compartments,
    width: Math.max(64, textWidth(state.key, TITLE_SIZE, true), ...lines.map(lineWidth)) + 2 * MARGIN,
    height: TITLE_HEIGHT + (lines.length === 0 ? 6 : 10 + lines.length * LINE_HEIGHT),
  };
}

function innerSpans(transition: ChartTransition): Span[] {
  const { actions } = transition;
  return [
    ...headSpans(transition),
    { text: `/ ${actions.length === 0 ? 'nothing' : actions.join(', ')}`, tone: 'action' },
  ];
}

function headSpans({ label, guard }: ChartTransition): Span[] {
  return [
    { text: label, tone: 'event' },
    ...(guard === undefined ? [] : [{ text: `[${guard}]`, tone: 'guard' } as const]),
  ];
}

/** Event and guard in one line. */
export function headOf(transition: ChartTransition): string {
  return headSpans(transition)
    .map(({ text }) => text)
    .join(' ');
}

/** What is written along a transition; its actions are left to tables and tooltips, for they would hide the chart. */
export function labelLines(transition: ChartTransition): Line[] {
  return headSpans(transition).flatMap((span) => toned([span], LABEL_LETTERS));
}

export function lineWidth(line: Line): number {
  return line.reduce((sum, { text, tone }) => sum + textWidth(text, LINE_SIZE, tone === 'event'), 0);
}

/** Spans set one after the other, wrapped together; each line but the first is set in. */
function toned(spans: readonly Span[], letters: number): Line[] {
  const tones = spans.flatMap(({ text, tone }) => Array.from(text.replaceAll(/\s/g, ''), () => tone));
  let at = 0;
  return wrapped(spans.map(({ text }) => text).join(' '), letters).map((text, index) => {
    const line: { text: string; tone: Tone }[] = [];
    for (const letter of index === 0 ? text : `  ${text}`) {
      const last = line.at(-1);
      const tone = /\s/.test(letter) ? (last?.tone ?? tones[at]!) : tones[at++]!;
      if (last?.tone === tone) last.text += letter;
      else line.push({ text: letter, tone });
    }
    return line;
  });
}
