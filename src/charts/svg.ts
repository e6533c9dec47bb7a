import type { ElkPoint } from 'elkjs/lib/elk.bundled.js';
import { headOf, labelLines, LINE_HEIGHT, lineWidth, MARGIN, TITLE_HEIGHT, type Line } from './boxes.ts';
import type { Chart, ChartState, ChartTransition } from './chart.ts';
import { layoutOf, type PlacedMark, type PlacedState, type PlacedTransitions } from './layout.ts';
import { CHART_STYLE } from './svg-style.ts';
import { xml } from './text.ts';

/**
 * The chart as a picture, laid out by elkjs, which is loaded here for the first time. Each state is a `<g data-state>`,
 * each transition a `<g data-transition data-source data-trigger>`; colours are CSS properties, light and dark.
 * @throws {DriverMissingError} when elkjs isn't installed.
 */
export async function svgOf(chart: Chart): Promise<string> {
  const { width, height, states, transitions, marks } = await layoutOf(chart);
  const title = xml(`Statechart ${chart.id}`);
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" class="chart" role="img" aria-label="${title}" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}">`,
    `<title>${title}</title>`,
    ...(chart.description === undefined ? [] : [`<desc>${xml(chart.description)}</desc>`]),
    `<style>${CHART_STYLE}</style>`,
    `<rect class="ground" width="${width}" height="${height}"/>`,
    // Lines first: one that leads into a parent passes below what is written there.
    ...transitions.flatMap(transitionGroups),
    ...marks.map(markGroup),
    ...states.map((placed) => stateGroup(chart, placed)),
    '</svg>',
    '',
  ].join('\n');
}

function stateGroup(chart: Chart, { state, box, x, y, width, height }: PlacedState): string {
  const isParent = chart.states.some(({ parent }) => parent === state.id);
  const parent = chart.states.find(({ id }) => id === state.parent);
  const classes = [
    'state',
    state.type,
    ...(isParent ? ['parent'] : []),
    ...(parent?.type === 'parallel' ? ['region'] : []),
  ];
  const parts = [
    `<title>${xml(titleOf(state))}</title>`,
    state.type === 'history' ? historyMark(state, x, y, width) : rect('box', x, y, width, height, 8),
  ];
  if (state.type === 'final') parts.push(rect('inner-box', x + 3, y + 3, width - 6, height - 6, 6));
  if (state.type !== 'history') {
    parts.push(text('name', x + MARGIN, y + 18, state.key));
    let baseline = y + TITLE_HEIGHT + LINE_HEIGHT - 1;
    if (box.compartments.length > 0) {
      const rule = y + TITLE_HEIGHT + 1;
      parts.push(`<line class="rule" x1="${x}" y1="${rule}" x2="${x + width}" y2="${rule}"/>`);
    }
    for (const { transition, lines } of box.compartments) {
      const written = lines
        .map((line, at) => lineText(line, x + MARGIN, baseline + at * LINE_HEIGHT))
        .join('');
      parts.push(transition === undefined ? written : transitionGroup(transition, written));
      baseline += lines.length * LINE_HEIGHT;
    }
  }
  return `<g data-state="${xml(state.id)}" class="${classes.join(' ')}">${parts.join('')}</g>`;
}

function titleOf({ id, type, description, initial }: ChartState): string {
  const first =
    type === 'history' && initial !== undefined ? `the last state, at first ${initial}` : undefined;
  const meaning = description ?? first;
  return meaning === undefined ? id : `${id}: ${meaning}`;
}

function historyMark(state: ChartState, x: number, y: number, width: number): string {
  const middle = { x: x + width / 2, y: y + width / 2 };
  const mark = state.history === 'deep' ? 'H*' : 'H';
  return (
    `<circle class="box" cx="${middle.x}" cy="${middle.y}" r="${width / 2}"/>` +
    `<text class="name" x="${middle.x}" y="${middle.y + 5}" text-anchor="middle">${mark}</text>`
  );
}

function markGroup({ mark, center, way }: PlacedMark): string {
  const title = mark.kind === 'within' ? `<title>from any state in ${xml(mark.state.key)}</title>` : '';
  return `<g class="mark ${mark.kind}">${title}<circle class="dot" cx="${round(center.x)}" cy="${round(center.y)}" r="4.5"/>${arrow(way)}</g>`;
}

/** Those of one line: each has the line of its own, so that each can be lit. */
function transitionGroups({ transitions, ways, label }: PlacedTransitions): string[] {
  const arrows = ways.map(arrow).join('');
  let baseline = label.y + LINE_HEIGHT - 2;
  return transitions.map((transition) => {
    const lines = labelLines(transition);
    const top = baseline - LINE_HEIGHT + 3;
    const width = Math.max(...lines.map(lineWidth));
    const plate = rect('plate', label.x, top, width + 4, lines.length * LINE_HEIGHT, 2);
    const written = lines
      .map((line, at) => lineText(line, label.x + 2, baseline + at * LINE_HEIGHT))
      .join('');
    baseline += lines.length * LINE_HEIGHT;
    return transitionGroup(transition, arrows + plate + written);
  });
}

function transitionGroup(transition: ChartTransition, content: string): string {
  const { id, source, trigger, actions } = transition;
  const title = [headOf(transition), ...actions].join(actions.length === 0 ? '' : ' / ');
  return (
    `<g data-transition="${xml(id)}" data-source="${xml(source)}" data-trigger="${trigger}" ` +
    `class="transition"><title>${xml(title)}</title>${content}</g>`
  );
}

function rect(name: string, x: number, y: number, width: number, height: number, radius: number): string {
  return `<rect class="${name}" x="${round(x)}" y="${round(y)}" width="${round(width)}" height="${round(height)}" rx="${radius}"/>`;
}

function lineText(line: Line, x: number, y: number): string {
  const spans = line.map(({ text: words, tone }) => `<tspan class="${tone}">${xml(words)}</tspan>`);
  return `<text class="line" x="${round(x)}" y="${round(y)}">${spans.join('')}</text>`;
}

function text(name: string, x: number, y: number, words: string): string {
  return `<text class="${name}" x="${round(x)}" y="${round(y)}">${xml(words)}</text>`;
}

const HEAD_LENGTH = 8;
const CORNER = 6;

/** A line with rounded corners and a head at its end. */
function arrow(way: readonly ElkPoint[]): string {
  const end = way.at(-1);
  const before = way.at(-2);
  if (end === undefined || before === undefined) return '';
  const base = towards(end, before, HEAD_LENGTH);
  const across = { x: (end.y - base.y) * 0.45, y: (base.x - end.x) * 0.45 };
  const head = [
    end,
    { x: base.x + across.x, y: base.y + across.y },
    { x: base.x - across.x, y: base.y - across.y },
  ];
  return (
    `<path class="way" d="${curved([...way.slice(0, -1), base])}"/>` +
    `<path class="head" d="M${head.map(pair).join('L')}Z"/>`
  );
}

function curved(points: readonly ElkPoint[]): string {
  return points
    .map((point, at) => {
      const before = points[at - 1];
      const after = points[at + 1];
      if (before === undefined) return `M${pair(point)}`;
      if (after === undefined) return `L${pair(point)}`;
      return `L${pair(towards(point, before, CORNER))}Q${pair(point)} ${pair(towards(point, after, CORNER))}`;
    })
    .join('');
}

/** From one point so far in the direction of another, at most half the way. */
function towards(from: ElkPoint, to: ElkPoint, distance: number): ElkPoint {
  const length = Math.hypot(to.x - from.x, to.y - from.y);
  const part = length === 0 ? 0 : Math.min(distance / length, 0.8);
  return { x: from.x + (to.x - from.x) * part, y: from.y + (to.y - from.y) * part };
}

function pair({ x, y }: ElkPoint): string {
  return `${round(x)} ${round(y)}`;
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}
