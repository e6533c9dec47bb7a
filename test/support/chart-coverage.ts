import type { AnyStateMachine, AnyStateNode, AnyTransitionDefinition, InspectionEvent } from 'xstate';

/** Microsteps carry the transitions taken, which XState leaves out of its types. */
type Microstep = InspectionEvent & { readonly _transitions?: readonly AnyTransitionDefinition[] };
type Snapshot = { readonly machine?: AnyStateMachine; readonly _nodes?: readonly AnyStateNode[] };

const nodesOf = (node: AnyStateNode): AnyStateNode[] => [
  node,
  ...Object.values(node.states).flatMap(nodesOf),
];

/** Which states and transitions of some machines were reached, as their actors' microsteps tell. */
export class ChartCoverage {
  readonly #left = new Set<string>();
  readonly total: { readonly states: number; readonly transitions: number };

  constructor(machines: readonly AnyStateMachine[]) {
    const nodes = machines.flatMap(({ root }) => nodesOf(root));
    const transitions = nodes.flatMap((node) => [
      ...[...node.transitions.values()].flat(),
      ...(node.always ?? []),
    ]);
    for (const { id } of nodes) this.#left.add(`state ${id}`);
    for (const transition of transitions) this.#left.add(nameOf(transition));
    this.total = { states: nodes.length, transitions: transitions.length };
  }

  /** By name and place, not by identity: `provide` clones a machine. */
  readonly observe = (seen: InspectionEvent): void => {
    if (seen.type !== '@xstate.microstep' && seen.type !== '@xstate.snapshot') return;
    for (const { id } of (seen.snapshot as Snapshot)._nodes ?? []) this.#left.delete(`state ${id}`);
    for (const transition of (seen as Microstep)._transitions ?? []) this.#left.delete(nameOf(transition));
  };

  /** What was never reached, in words. */
  get gaps(): readonly string[] {
    return [...this.#left].toSorted();
  }
}

function nameOf(transition: AnyTransitionDefinition): string {
  const { source, eventType, guard, target } = transition;
  const siblings: readonly AnyTransitionDefinition[] =
    eventType === '' ? (source.always ?? []) : (source.transitions.get(eventType) ?? []);
  const asks =
    guard === undefined
      ? ''
      : ` [${typeof guard === 'string' ? guard : String((guard as { type?: string }).type)}]`;
  const place = siblings.length > 1 ? ` ${siblings.indexOf(transition) + 1} of ${siblings.length}` : '';
  const ends = target?.map(({ id }) => id).join(', ') ?? 'no other state';
  return `${source.id} on ${eventType || 'always'}${asks}${place} to ${ends}`;
}
