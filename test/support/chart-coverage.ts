import type {
  AnyStateMachine,
  AnyStateNode,
  AnyTransitionDefinition,
  InspectionEvent,
  StateValue,
} from 'xstate';
import type { BrokerEventBus, BusOptions, InspectionObserver } from '../../src/index.ts';

/** Microsteps carry the transitions taken, which XState leaves out of its types. */
type Microstep = InspectionEvent & { readonly _transitions?: readonly AnyTransitionDefinition[] };
/** A bus shows copies of its snapshots, which have no nodes. */
type Snapshot = { readonly value?: StateValue };
type Chart = { readonly logic?: { readonly config?: { readonly id?: string } } };

/** Shows an observer every message, where a bus would limit those of the data plane. */
export const every = (observer: InspectionObserver) => ({ observer, eventsPerSecond: Infinity }) as const;

const nodesOf = (node: AnyStateNode): AnyStateNode[] => [
  node,
  ...Object.values(node.states).flatMap(nodesOf),
];

/** Shows it what a bus of that setting does from here on, as XState does: not as copies, and whatever it costs. */
export function showRaw(bus: BrokerEventBus, inspect: BusOptions['inspect']): void {
  if (inspect !== undefined && 'observer' in inspect) bus.actor.system.inspect(inspect.observer);
}

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
    const { id } = (seen.actorRef as unknown as Chart).logic?.config ?? {};
    if (id !== undefined) this.#enter(id, (seen.snapshot as Snapshot).value);
    for (const transition of (seen as Microstep)._transitions ?? []) this.#left.delete(nameOf(transition));
  };

  #enter(id: string, value: StateValue | undefined): void {
    this.#left.delete(`state ${id}`);
    if (typeof value === 'string') this.#left.delete(`state ${id}.${value}`);
    else for (const [key, inner] of Object.entries(value ?? {})) this.#enter(`${id}.${key}`, inner);
  }

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
