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
      Object.values(this.graph).flatMap(({ state }) =>
        this.#edgesOf(state).map((edge) => transitionOf(state, edge)),
      ),
    );
    const paths: ModelPath[] = [];
    while (left.size > 0 && start !== undefined) {
      let path: ModelPath = { state: start.state, steps: [...start.steps], weight: 0 };
      for (;;) {
        const way = this.#toNearest(path.state, left);
        if (way === undefined) break;
        for (const edge of way) {
          left.delete(transitionOf(path.state, edge));
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
    const key = keyOf(state);
    return Object.values(this.graph[key as keyof ModelGraph]?.transitions ?? {});
  }

  /** The shortest way that ends with one of these transitions. */
  #toNearest(from: ModelSnapshot, wanted: ReadonlySet<string>): readonly Edge[] | undefined {
    const seen = new Set<string>();
    let ways: { readonly state: ModelSnapshot; readonly way: readonly Edge[] }[] = [{ state: from, way: [] }];
    while (ways.length > 0) {
      const next: typeof ways = [];
      for (const { state, way } of ways)
        for (const edge of this.#edgesOf(state)) {
          if (wanted.has(transitionOf(state, edge))) return [...way, edge];
          const key = keyOf(edge.state);
          if (seen.has(key)) continue;
          seen.add(key);
          next.push({ state: edge.state, way: [...way, edge] });
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
}

const longer = ({ steps, weight }: ModelPath, { event, state }: Edge): ModelPath => ({
  state,
  steps: [...steps, { event, state }],
  weight: weight + 1,
});

export function stateOfModel({ value }: ModelSnapshot): ModelState {
  return typeof value === 'string' ? value : `away.${value.away}`;
}

/** What tells one kind of transition from another. */
function transitionOf(from: ModelSnapshot, { event, state }: Edge): string {
  const changes = state.context.messages.flatMap(({ phase }, at) => {
    const before = from.context.messages[at]?.phase ?? 'new';
    return before === phase ? [] : [`${before} → ${phase}`];
  });
  const step = event.type === 'replay' ? wordsOf(event) : event.type;
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
