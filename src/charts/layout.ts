import type { ElkExtendedEdge, ElkNode, ElkPoint } from 'elkjs/lib/elk.bundled.js';
import { boxOf, type Box } from './boxes.ts';
import type { Chart, ChartState, ChartTransition } from './chart.ts';
import { elkGraph, markId, marksOf, wayId, type Mark } from './elk-graph.ts';
import { linesOf } from './lines.ts';
import { loadElk } from './load-elk.ts';

export interface PlacedState {
  readonly state: ChartState;
  readonly box: Box;
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

/** Transitions between the same states share one line. */
export interface PlacedTransitions {
  readonly transitions: readonly ChartTransition[];
  /** One for each target. */
  readonly ways: readonly (readonly ElkPoint[])[];
  /** Where their texts stand, one under the other. */
  readonly label: ElkPoint;
}

export interface PlacedMark {
  readonly mark: Mark;
  readonly center: ElkPoint;
  /** To the initial state; empty for the others, whose transitions have their own. */
  readonly way: readonly ElkPoint[];
}

export interface Layout {
  readonly width: number;
  readonly height: number;
  readonly states: readonly PlacedState[];
  readonly transitions: readonly PlacedTransitions[];
  readonly marks: readonly PlacedMark[];
}

/** Where everything stands. The same chart is laid out alike every time. */
export async function layoutOf(chart: Chart): Promise<Layout> {
  const elk = await loadElk();
  const boxes = new Map(chart.states.map((state) => [state.id, boxOf(chart, state)]));
  const lines = linesOf(chart);
  const widening = new Map<string, number>();
  let placed = placedIn(await elk.layout(elkGraph(chart, boxes, lines, widening)));
  for (const [id, { width }] of boxes) {
    const missing = width - (placed.nodes.get(id)?.width ?? width);
    if (missing > 0) widening.set(id, missing);
  }
  // elkjs turns a layout that goes down, and takes a parent's least width for its height; so it is told by padding.
  if (widening.size > 0) placed = placedIn(await elk.layout(elkGraph(chart, boxes, lines, widening)));
  const { graph, nodes, edges } = placed;
  return {
    width: Math.ceil(graph.width ?? 0),
    height: Math.ceil(graph.height ?? 0),
    states: chart.states.map((state) => ({
      state,
      box: boxes.get(state.id)!,
      ...areaOf(nodes.get(state.id)),
    })),
    transitions: lines.map((transitions) => ({
      transitions,
      ways: transitions[0]!.targets.map((_, at) => wayOf(edges.get(wayId(transitions[0]!, at)))),
      label: areaOf(edges.get(wayId(transitions[0]!, 0))?.labels?.[0]),
    })),
    marks: marksOf(chart).map((mark) => {
      const { x, y, width, height } = areaOf(nodes.get(markId(mark)));
      return {
        mark,
        center: { x: x + width / 2, y: y + height / 2 },
        way: wayOf(edges.get(markId(mark))),
      };
    }),
  };
}

interface Placed {
  readonly graph: ElkNode;
  readonly nodes: ReadonlyMap<string, ElkNode>;
  readonly edges: ReadonlyMap<string, ElkExtendedEdge>;
}

function placedIn(graph: ElkNode): Placed {
  const nodes = new Map<string, ElkNode>();
  const edges = new Map<string, ElkExtendedEdge>();
  const gather = (node: ElkNode): void => {
    nodes.set(node.id, node);
    for (const edge of node.edges ?? []) edges.set(edge.id, edge);
    node.children?.forEach(gather);
  };
  gather(graph);
  return { graph, nodes, edges };
}

function areaOf(shape: ElkNode | Omit<ElkNode, 'id'> | undefined) {
  const { x = 0, y = 0, width = 0, height = 0 } = shape ?? {};
  return { x, y, width, height };
}

function wayOf(edge: ElkExtendedEdge | undefined): ElkPoint[] {
  return (edge?.sections ?? []).flatMap(({ startPoint, bendPoints = [], endPoint }) => [
    startPoint,
    ...bendPoints,
    endPoint,
  ]);
}
