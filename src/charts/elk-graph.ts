import type { ElkExtendedEdge, ElkNode, LayoutOptions } from 'elkjs/lib/elk.bundled.js';
import { labelLines, LINE_HEIGHT, lineWidth, MARGIN, type Box } from './boxes.ts';
import type { Chart, ChartState, ChartTransition } from './chart.ts';
import { isBelow } from './lines.ts';

/** A dot within a parent: where its initial state is entered from, or where transitions of any of its states start. */
export interface Mark {
  readonly kind: 'initial' | 'within';
  readonly state: ChartState;
}

const PADDING = 18;
const MARK_SIZE = 10;
const HISTORY_SIZE = 30;

const LAYERED: LayoutOptions = {
  'elk.algorithm': 'layered',
  'elk.direction': 'DOWN',
  'elk.hierarchyHandling': 'INCLUDE_CHILDREN',
  'elk.edgeRouting': 'ORTHOGONAL',
  'elk.layered.cycleBreaking.strategy': 'DEPTH_FIRST',
  'elk.layered.spacing.nodeNodeBetweenLayers': '30',
  'elk.layered.spacing.edgeNodeBetweenLayers': '20',
  'elk.layered.spacing.edgeEdgeBetweenLayers': '12',
  'elk.spacing.nodeNode': '26',
  'elk.spacing.edgeNode': '18',
  'elk.spacing.edgeEdge': '14',
  'elk.spacing.edgeLabel': '4',
  'elk.spacing.labelLabel': '6',
};

/** Regions beside one another, each laid out by itself. */
const PACKED: LayoutOptions = {
  'elk.algorithm': 'rectpacking',
  'elk.hierarchyHandling': 'SEPARATE_CHILDREN',
  'elk.aspectRatio': '1.3',
  'elk.spacing.nodeNode': '20',
};

export function marksOf(chart: Chart): Mark[] {
  return chart.states.flatMap((state): Mark[] => [
    ...(state.type === 'compound' && state.initial !== undefined
      ? [{ kind: 'initial', state } as const]
      : []),
    ...(chart.transitions.some((one) => one.source === state.id && one.targets.some(isBelow(chart, state.id)))
      ? [{ kind: 'within', state } as const]
      : []),
  ]);
}

/** Of the dot, and of the way from it. */
export function markId({ kind, state }: Mark): string {
  return `${state.id}\n${kind}`;
}

export function wayId({ id }: ChartTransition, at: number): string {
  return `${id}\n${at}`;
}

/** `widening` is by how much a parent must be wider than its children need, for what is written in it. */
export function elkGraph(
  chart: Chart,
  boxes: ReadonlyMap<string, Box>,
  lines: readonly (readonly ChartTransition[])[],
  widening: ReadonlyMap<string, number>,
): ElkNode {
  const marks = marksOf(chart);
  const parents = new Map<string, string>([
    ...chart.states.map(({ id, parent }) => [id, parent ?? ''] as const),
    ...marks.map((mark) => [markId(mark), mark.state.id] as const),
  ]);
  const edges = [
    ...marks
      .filter(({ kind }) => kind === 'initial')
      .map((mark) => ({
        id: markId(mark),
        sources: [markId(mark)],
        targets: [mark.state.initial!],
        layoutOptions: { 'elk.layered.priority.shortness': '10', 'elk.layered.priority.straightness': '10' },
      })),
    ...inReadingOrder(chart, lines).flatMap((line) => elkEdges(chart, line)),
  ].map((edge) => ({ edge, container: containerOf(edge, parents) }));

  const nodeOf = (state: ChartState): ElkNode => {
    const { width, height } = boxes.get(state.id)!;
    const side = PADDING + (widening.get(state.id) ?? 0) / 2;
    const children = chart.states.filter(({ parent }) => parent === state.id);
    if (state.type === 'history') return { id: state.id, width: HISTORY_SIZE, height: HISTORY_SIZE };
    if (children.length === 0) return { id: state.id, width, height };
    return {
      id: state.id,
      children: [
        ...marks
          .filter((mark) => mark.state.id === state.id)
          .map((mark) => ({ id: markId(mark), width: MARK_SIZE, height: MARK_SIZE })),
        ...children.map(nodeOf),
      ],
      edges: edges.filter(({ container }) => container === state.id).map(({ edge }) => edge),
      layoutOptions: {
        ...(isPackable(chart, state) ? PACKED : LAYERED),
        'elk.padding': `[top=${height + MARGIN},left=${side},bottom=${PADDING},right=${side}]`,
      },
    };
  };

  return {
    id: '',
    layoutOptions: {
      ...LAYERED,
      'elk.json.shapeCoords': 'ROOT',
      'elk.json.edgeCoords': 'ROOT',
      'elk.padding': '[top=8,left=8,bottom=8,right=8]',
    },
    children: chart.states.filter(({ parent }) => parent === undefined).map(nodeOf),
    edges: edges.filter(({ container }) => container === '').map(({ edge }) => edge),
  };
}

/** The layout goes from a state to the first of its targets first, and what leads back from there it draws upwards. */
function inReadingOrder(
  chart: Chart,
  lines: readonly (readonly ChartTransition[])[],
): (readonly ChartTransition[])[] {
  const places = new Map(chart.states.map(({ id }, at) => [id, at]));
  const placeOf = (line: readonly ChartTransition[]): number => places.get(line[0]!.targets[0]!) ?? 0;
  return lines.toSorted((one, other) => placeOf(one) - placeOf(other));
}

/** One for each target; the label goes with the first. */
function elkEdges(chart: Chart, line: readonly ChartTransition[]): ElkExtendedEdge[] {
  const [transition] = line;
  const { source, targets } = transition!;
  const texts = line.flatMap(labelLines);
  const label = {
    text: wayId(transition!, 0),
    width: Math.max(...texts.map(lineWidth)) + 4,
    height: texts.length * LINE_HEIGHT + 4,
  };
  return targets.map((target, at) => ({
    id: wayId(transition!, at),
    // From the border it would cross what is written in the state.
    sources: [isBelow(chart, source)(target) ? `${source}\nwithin` : source],
    targets: [target],
    labels: at === 0 ? [label] : [],
  }));
}

/** The innermost node that has both ends in it. */
function containerOf({ sources, targets }: ElkExtendedEdge, parents: ReadonlyMap<string, string>): string {
  const above = (id: string): string[] => {
    const parent = parents.get(id);
    return parent === undefined ? [] : [parent, ...above(parent)];
  };
  const around = above(sources[0]!);
  return above(targets[0]!).find((id) => around.includes(id)) ?? '';
}

/** Whether its regions can be laid out by themselves: each transition begins and ends within one, and not at its border. */
function isPackable(chart: Chart, state: ChartState): boolean {
  if (state.type !== 'parallel') return false;
  const isInside = isBelow(chart, state.id);
  const regions = chart.states.filter(({ parent }) => parent === state.id).map(({ id }) => id);
  const regionOf = (id: string): string | undefined =>
    regions.find((region) => region === id || isBelow(chart, region)(id));
  return chart.transitions.every(({ source, targets }) =>
    targets
      .filter((target) => isInside(source) || isInside(target))
      .every((target) => regionOf(source) === regionOf(target) && !regions.includes(target)),
  );
}
