import type { Bounds } from './happenings.ts';

/** Which paths within which bounds. */
export interface PathSet extends Bounds {
  /**
   * `transitions`: a shortest path over each transition of the model's graph, and so to each of its states.
   * `shortest`: one to each state. `simple`: every way that passes no state twice; for the narrowest bounds.
   * `covering`: few paths that take each kind of transition at least once, by state, step and what becomes of the events;
   * publishes of events that behave differently are different steps.
   */
  readonly paths: 'transitions' | 'shortest' | 'simple' | 'covering';
}

const ONE: Bounds = { messages: 1, interruptions: 1, kinds: ['ok', 'flaky', 'poison'] };
/** The first kind is taken where any would do: the one that leads furthest. */
const TWO: Bounds = { messages: 2, interruptions: 1, kinds: ['flaky', 'poison', 'ok'] };
/** Thousands of paths, so without the kind that leads nowhere that the others don't. */
const TWO_IN_TROUBLE: Bounds = { ...TWO, kinds: ['flaky', 'poison'] };

/** What is walked unless somebody chooses: on virtual time a path takes milliseconds, on a broker seconds. */
export function defaultPathSets(isVirtual: boolean, isFull: boolean): readonly PathSet[] {
  const covering: PathSet = { ...TWO, paths: 'covering' };
  if (!isVirtual) return [covering];
  const sets: PathSet[] = [{ ...ONE, paths: 'transitions' }, covering];
  return isFull
    ? [...sets, { ...ONE, interruptions: 2, paths: 'shortest' }, { ...TWO_IN_TROUBLE, paths: 'shortest' }]
    : sets;
}
