import type { AnyStateMachine, AnyStateNode, AnyTransitionDefinition } from 'xstate';
import { actionName, guardName, invokeName, isTimerAction, triggerOf, type Trigger } from './names.ts';

/** A statechart as it is drawn: nothing of it runs. */
export interface Chart {
  readonly id: string;
  readonly description: string | undefined;
  /** Parents before their children, the root first. */
  readonly states: readonly ChartState[];
  /** In the order in which XState tries them, source by source. */
  readonly transitions: readonly ChartTransition[];
}

export interface ChartState {
  /** XState's own, such as `bus.lifecycle.draining.closing`. */
  readonly id: string;
  readonly key: string;
  readonly parent: string | undefined;
  readonly type: 'atomic' | 'compound' | 'parallel' | 'final' | 'history';
  /** How much a history state remembers. */
  readonly history: 'shallow' | 'deep' | undefined;
  /** Id of the state that is entered with it; of a history state, where it leads while there is nothing to remember. */
  readonly initial: string | undefined;
  readonly description: string | undefined;
  readonly tags: readonly string[];
  readonly entry: readonly string[];
  readonly exit: readonly string[];
  readonly invokes: readonly string[];
}

export interface ChartTransition {
  /** `source/event type/position`, XState's event type, which is empty for `always`. */
  readonly id: string;
  readonly source: string;
  /** Empty: it stays where it is. */
  readonly targets: readonly string[];
  readonly trigger: Trigger;
  /** Such as `connection.lost`, `after drainTimeout`, `after 100 ms`, `always`, `done awaitPublished`. */
  readonly label: string;
  /** Composed guards are spelled out: `isA and not isB`. */
  readonly guard: string | undefined;
  readonly actions: readonly string[];
  /** Whether a transition to the source itself or into it leaves and enters the source. */
  readonly isReentering: boolean;
}

/** The chart of any machine of XState v5, read from its state nodes, so that inline parts and spreads are seen too. */
export function chartOf(machine: AnyStateMachine): Chart {
  const nodes = withDescendants(machine.root);
  return {
    id: machine.id,
    description: machine.root.description,
    states: nodes.map(stateOf),
    transitions: nodes.flatMap(transitionsOf),
  };
}

function withDescendants(node: AnyStateNode): AnyStateNode[] {
  return [node, ...Object.values(node.states).flatMap(withDescendants)];
}

function stateOf(node: AnyStateNode): ChartState {
  const initial = node.type === 'compound' ? node.initial : undefined;
  return {
    id: node.id,
    key: node.key,
    parent: node.parent?.id,
    type: node.type,
    history: node.type === 'history' ? node.history || 'shallow' : undefined,
    initial: node.type === 'history' ? historyDefault(node)?.id : initial?.target[0]?.id,
    description: node.description,
    tags: node.tags,
    entry: [
      ...node.entry.filter((action) => !isTimerAction(action)).map(actionName),
      ...(initial?.actions ?? []).map((action) => `${actionName(action)} (initial)`),
    ],
    exit: node.exit.filter((action) => !isTimerAction(action)).map(actionName),
    invokes: node.invoke.map((_, at) => invokeName(node, at)),
  };
}

/** XState resolves it only when the history state is entered. */
function historyDefault(node: AnyStateNode): AnyStateNode | undefined {
  const { parent, machine } = node;
  const target = [(node.config as { target?: string | readonly string[] }).target ?? []].flat()[0];
  if (target === undefined) return parent?.type === 'compound' ? parent.initial.target[0] : undefined;
  if (target.startsWith('#')) return machine.getStateNodeById(target.slice(1));
  return target
    .replace(/^\./, '')
    .split('.')
    .reduce<AnyStateNode | undefined>((at, key) => at?.states[key], parent);
}

function transitionsOf(node: AnyStateNode): ChartTransition[] {
  const always = node.always ?? [];
  return [always, ...node.transitions.values()].flatMap((alternatives) =>
    alternatives.map((definition, at) => transitionOf(node, definition, at)),
  );
}

function transitionOf(node: AnyStateNode, definition: AnyTransitionDefinition, at: number): ChartTransition {
  return {
    id: `${node.id}/${definition.eventType}/${at}`,
    source: node.id,
    targets: (definition.target ?? []).map(({ id }) => id),
    ...triggerOf(node, definition.eventType),
    guard: definition.guard === undefined ? undefined : guardName(definition.guard),
    actions: definition.actions.map(actionName),
    isReentering: definition.reenter,
  };
}
