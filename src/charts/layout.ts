import type { ElkExtendedEdge, ElkNode, ElkPoint } from 'elkjs/lib/elk.bundled.js';
import { boxOf, labelLines, LINE_HEIGHT, LINE_SIZE, MARGIN, type Box, type Line } from './boxes.ts';
import type { Chart, ChartState, ChartTransition } from './chart.ts';
import { loadElk } from './load-elk.ts';
import { textWidth } from './text.ts';

interface Area {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

export interface PlacedState extends Area {
  readonly state: ChartState;
  readonly box: Box;
}

/** Transitions between the same states share one line. */
export interface PlacedTransitions {
  readonly transitions: readonly ChartTransition[];
  /** One for each target. */
  readonly ways: readonly (readonly ElkPoint[])[];
  /** Where their texts stand, one under the other. */
  readonly label: { readonly x: number; readonly y: number };
}

export interface Layout {
  readonly width: number;
  readonly height: number;
  readonly states: readonly PlacedState[];
  readonly transitions: readonly PlacedTransitions[];
  /** From the dot of an initial state to that state. */
  readonly initials: readonly { readonly dot: ElkPoint; readonly way: readonly ElkPoint[] }[];
}

const DOT = 10;

const LAYERED = {
  'elk.algorithm': 'layered',
  'elk.direction': 'DOWN',
  'elk.hierarchyHandling': 'INCLUDE_CHILDREN',
  'elk.edgeRouting': 'ORTHOGONAL',
  'elk.layered.considerModelOrder.strategy': 'NODES_AND_EDGES',
  'elk.layered.cycleBreaking.strategy': 'GREEDY_MODEL_ORDER',
  'elk.layered.spacing.nodeNodeBetweenLayers': '28',
  'elk.layered.spacing.edgeNodeBetweenLayers': '18',
  'elk.layered.spacing.edgeEdgeBetweenLayers': '12',
  'elk.spacing.nodeNode': '28',
  'elk.spacing.edgeNode': '18',
  'elk.spacing.edgeEdge': '12',
  'elk.spacing.edgeLabel': '4',
  'elk.spacing.labelLabel': '6',
};

/** Where everything stands. The same chart is laid out alike every time. */
export async function layoutOf(chart: Chart): Promise<Layout> {
  const elk = await loadElk();
  const boxes = new Map(chart.states.map((state) => [state.id, boxOf(chart, state)]));
  const bundles = bundlesOf(chart);
  const [root] = chart.states;
  if (root === undefined) throw new Error('A chart has a root.');
  const placed: ElkNode & { readonly edges?: ElkExtendedEdge[] } = await elk.layout({
    id: '',
    layoutOptions: {
      ...LAYERED,
      'elk.json.shapeCoords': 'ROOT',
      'elk.json.edgeCoords': 'ROOT',
      'elk.padding': '[top=8,left=8,bottom=8,right=8]',
    },
    children: [elkNode(chart, root, boxes)],
    edges: [
      ...chart.states
        .filter(hasDot)
        .map((state) => ({ id: `initial ${state.id}`, sources: [dotOf(state)], targets: [state.initial!] })),
      ...bundles.flatMap(elkEdges),
    ],
  });
  const nodes = new Map<string, ElkNode>();
  const gather = (node: ElkNode): void => {
    nodes.set(node.id, node);
    node.children?.forEach(gather);
  };
  gather(placed);
  const edges = new Map(placed.edges?.map((edge) => [edge.id, edge]));
  return {
    width: Math.ceil(placed.width ?? 0),
    height: Math.ceil(placed.height ?? 0),
    states: chart.states.map((state) => ({
      state,
      box: boxes.get(state.id)!,
      ...areaOf(nodes.get(state.id)!),
    })),
    transitions: bundles.map((transitions) => placedTransitions(transitions, edges)),
    initials: chart.states.filter(hasDot).map((state) => {
      const { x, y } = areaOf(nodes.get(dotOf(state))!);
      return { dot: { x: x + DOT / 2, y: y + DOT / 2 }, way: wayOf(edges.get(`initial ${state.id}`)) };
    }),
  };
}

const hasDot = (state: ChartState): boolean => state.type === 'compound' && state.initial !== undefined;
const dotOf = (state: ChartState): string => `dot ${state.id}`;

function bundlesOf(chart: Chart): ChartTransition[][] {
  const bundles = new Map<string, ChartTransition[]>();
  for (const transition of chart.transitions) {
    if (transition.targets.length === 0) continue;
    const ends = JSON.stringify([transition.source, ...transition.targets]);
    const bundle = bundles.get(ends);
    if (bundle === undefined) bundles.set(ends, [transition]);
    else bundle.push(transition);
  }
  return [...bundles.values()];
}

function elkNode(chart: Chart, state: ChartState, boxes: ReadonlyMap<string, Box>): ElkNode {
  const { width, height } = boxes.get(state.id)!;
  const children = chart.states.filter(({ parent }) => parent === state.id);
  if (children.length === 0) {
    return state.type === 'history'
      ? { id: state.id, width: 30, height: 30 }
      : { id: state.id, width, height };
  }
  const dots = hasDot(state) ? [{ id: dotOf(state), width: DOT, height: DOT }] : [];
  return {
    id: state.id,
    children: [...dots, ...children.map((child) => elkNode(chart, child, boxes))],
    layoutOptions: {
      'elk.padding': `[top=${height + MARGIN},left=18,bottom=18,right=18]`,
      'elk.nodeSize.constraints': 'MINIMUM_SIZE',
      'elk.nodeSize.minimum': `(${width},${height})`,
    },
  };
}

/** One for each target; the label goes with the first. */
function elkEdges(transitions: ChartTransition[]): ElkExtendedEdge[] {
  const { id, source, targets } = transitions[0]!;
  const lines = transitions.flatMap(labelLines);
  const label = {
    text: id,
    width: Math.max(...lines.map(({ text, kind }: Line) => textWidth(text, LINE_SIZE, kind === 'event'))) + 4,
    height: lines.length * LINE_HEIGHT + 4,
  };
  return targets.map((target, at) => ({
    id: `${id} ${at}`,
    sources: [source],
    targets: [target],
    labels: at === 0 ? [label] : [],
  }));
}

function placedTransitions(
  transitions: ChartTransition[],
  edges: ReadonlyMap<string, ElkExtendedEdge>,
): PlacedTransitions {
  const { id, targets } = transitions[0]!;
  const [label] = edges.get(`${id} 0`)?.labels ?? [];
  return {
    transitions,
    ways: targets.map((_, at) => wayOf(edges.get(`${id} ${at}`))),
    label: { x: label?.x ?? 0, y: label?.y ?? 0 },
  };
}

function areaOf({ x = 0, y = 0, width = 0, height = 0 }: ElkNode): Area {
  return { x, y, width, height };
}

function wayOf(edge: ElkExtendedEdge | undefined): ElkPoint[] {
  return (edge?.sections ?? []).flatMap(({ startPoint, bendPoints = [], endPoint }) => [
    startPoint,
    ...bendPoints,
    endPoint,
  ]);
}
