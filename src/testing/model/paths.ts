import { createTestModel, type AdjacencyMap, type StatePath, type TestModel } from 'xstate/graph';
import type { SnapshotFrom } from 'xstate';
import { busModel, type BusModel } from './bus-model.ts';
import type { ModelState } from './checks.ts';
import { eventsWithin, wordsOf, type Bounds, type ModelEvent } from './happenings.ts';
import type { Promises } from './messages.ts';

export type ModelSnapshot = SnapshotFrom<BusModel>;
export type ModelPath = StatePath<ModelSnapshot, ModelEvent>;
export type ModelGraph = AdjacencyMap<ModelSnapshot, ModelEvent>;

/** Steps after which a covering path ends: a failure is easier to understand in a short one. */
const LONGEST = 16;

/** The model within its bounds, to make paths of. */
export class BusPaths {
  readonly model: TestModel<ModelSnapshot, ModelEvent, unknown>;
  #graph: ModelGraph | undefined = undefined;
  /** By the key of the state that they leave: a covering set looks at each many times. */
  readonly #edges = new Map<string, readonly Edge[]>();

  /** @param may whether a transport can be made to do such a step. */
  constructor(promises: Promises, bounds: Bounds, may: (event: ModelEvent) => boolean = () => true) {
    this.model = createTestModel(busModel(promises, bounds), {
      events: [...eventsWithin(bounds)],
      // An event that changes nothing would still make a step, and the buses would drift away from the model.
      filterEvents: (snapshot, event) => may(event) && snapshot.can(event),
      serializeState: keyOf,
      serializeEvent: wordsOf,
    }) as TestModel<ModelSnapshot, ModelEvent, unknown>;
  }

  get graph(): ModelGraph {
    return (this.#graph ??= this.model.getAdjacencyMap());
  }

  /** To every state by as few steps as it takes, without those that are the beginning of another. */
  shortest(): readonly ModelPath[] {
    return withoutBeginnings(this.model.getShortestPaths({ allowDuplicatePaths: true }));
  }

  /** Every way to every state that passes no state twice; for narrow bounds. */
  simple(): readonly ModelPath[] {
    return withoutBeginnings(this.model.getSimplePaths({ allowDuplicatePaths: true }));
  }

  /** A shortest path to the source of each transition of the graph, and over it. */
  everyTransition(): readonly ModelPath[] {
    const shortest = this.model.getShortestPaths({ allowDuplicatePaths: true });
    return withoutBeginnings(
      shortest.flatMap((path) =>
        this.#edgesOf(path.state).map(({ event, state }) => ({
          state,
          steps: [...path.steps, { event, state }],
          weight: path.weight + 1,
        })),
      ),
    );
  }

  /** Few paths that take each kind of transition at least once: by state, step, and what becomes of the events. */
  covering(): readonly ModelPath[] {
    const [start] = this.model.getShortestPaths({
      allowDuplicatePaths: true,
      stopWhen: () => true,
    });
    const left = new Set(
      Object.keys(this.graph).flatMap((key) => this.#edgesFrom(key).map(({ transition }) => transition)),
    );
    const paths: ModelPath[] = [];
    while (left.size > 0 && start !== undefined) {
      let path: ModelPath = { state: start.state, steps: [...start.steps], weight: 0 };
      for (;;) {
        const way = this.#toNearest(path.state, left);
        if (way === undefined) break;
        for (const edge of way) {
          left.delete(edge.transition);
          path = longer(path, edge);
        }
        if (path.steps.length > LONGEST) break;
      }
      if (path.weight === 0) break;
      paths.push(path);
    }
    return paths;
  }

  #edgesOf(state: ModelSnapshot): readonly Edge[] {
    return this.#edgesFrom(keyOf(state));
  }

  #edgesFrom(key: string): readonly Edge[] {
    const known = this.#edges.get(key);
    if (known !== undefined) return known;
    const { state: from, transitions = {} } = this.graph[key as keyof ModelGraph] ?? {};
    const edges = Object.values(transitions).map(({ event, state }) => ({
      event,
      state,
      key: keyOf(state),
      transition: from === undefined ? '' : transitionOf(from, event, state),
    }));
    this.#edges.set(key, edges);
    return edges;
  }

  /** The shortest way that ends with one of these transitions. */
  #toNearest(from: ModelSnapshot, wanted: ReadonlySet<string>): readonly Edge[] | undefined {
    const seen = new Set<string>();
    let ways: { readonly key: string; readonly way: readonly Edge[] }[] = [{ key: keyOf(from), way: [] }];
    while (ways.length > 0) {
      const next: typeof ways = [];
      for (const { key, way } of ways)
        for (const edge of this.#edgesFrom(key)) {
          if (wanted.has(edge.transition)) return [...way, edge];
          if (seen.has(edge.key)) continue;
          seen.add(edge.key);
          next.push({ key: edge.key, way: [...way, edge] });
        }
      ways = next;
    }
    return undefined;
  }
}

const keyOf = ({ value, context }: ModelSnapshot): string => JSON.stringify([value, context]);

interface Edge {
  readonly event: ModelEvent;
  readonly state: ModelSnapshot;
  readonly key: string;
  /** What kind of transition it is. */
  readonly transition: string;
}

const longer = (
  { steps, weight }: ModelPath,
  { event, state }: Pick<Edge, 'event' | 'state'>,
): ModelPath => ({
  state,
  steps: [...steps, { event, state }],
  weight: weight + 1,
});

export function stateOfModel({ value }: ModelSnapshot): ModelState {
  return typeof value === 'string' ? value : `away.${value.away}`;
}

/** What tells one kind of transition from another. */
function transitionOf(from: ModelSnapshot, event: ModelEvent, state: ModelSnapshot): string {
  const changes = state.context.messages.flatMap(({ phase }, at) => {
    const before = from.context.messages[at]?.phase ?? 'new';
    return before === phase ? [] : [`${before} → ${phase}`];
  });
  const step =
    event.type === 'replay'
      ? wordsOf(event)
      : event.type === 'publish'
        ? `publish ${event.kind}`
        : event.type;
  return `${stateOfModel(from)} ${step} ${stateOfModel(state)} ${[...new Set(changes)].toSorted().join()}`;
}

/** In words, for the name of a failure. */
export const stepsOf = ({ steps }: ModelPath): string =>
  steps
    .slice(1)
    .map(({ event }) => wordsOf(event))
    .join(' → ');

function withoutBeginnings(paths: readonly ModelPath[]): readonly ModelPath[] {
  const namesOf = (path: ModelPath): string[] => path.steps.slice(1).map(({ event }) => wordsOf(event));
  const beginnings = new Set<string>();
  for (const path of paths) {
    let beginning = '';
    for (const name of namesOf(path).slice(0, -1)) beginnings.add((beginning += `${name}\n`));
  }
  return paths.filter((path) => path.steps.length > 1 && !beginnings.has(`${namesOf(path).join('\n')}\n`));
}
