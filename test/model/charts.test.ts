import { describe, expect, it } from 'vitest';
import type { AnyStateMachine, AnyStateNode } from 'xstate';
import * as machines from '../../machines/index.ts';

const charts = Object.entries(machines).filter(
  (entry): entry is [string, AnyStateMachine] =>
    entry[0].endsWith('Machine') && 'root' in (entry[1] as object),
);

const nodesOf = (node: AnyStateNode): AnyStateNode[] => [
  node,
  ...Object.values(node.states).flatMap(nodesOf),
];
const transitionsOf = (node: AnyStateNode) => [
  ...[...node.transitions.values()].flat(),
  ...(node.always ?? []),
];

/** States that can be entered: by being initial, by a parallel parent, or as a target, ancestors included. */
function entered(machine: AnyStateMachine): Set<AnyStateNode> {
  const reached = new Set<AnyStateNode>();
  const enter = (node: AnyStateNode | undefined): void => {
    if (node === undefined || reached.has(node)) return;
    reached.add(node);
    enter(node.parent);
    if (node.type === 'parallel') Object.values(node.states).forEach(enter);
    if (node.type === 'compound') node.initial.target.forEach(enter);
    for (const { target } of transitionsOf(node)) target?.forEach(enter);
  };
  enter(machine.root);
  return reached;
}

describe.each(charts)('%s', (_, machine) => {
  const nodes = nodesOf(machine.root);

  it('has an id and says what it is', () => {
    expect(machine.id).toMatch(/^[a-z]+$/);
    expect(machine.root.description).toMatch(/\.$/);
  });

  it('says of every state what it means', () => {
    const silent = nodes.filter(({ description }) => !description?.endsWith('.')).map(({ id }) => id);
    expect(silent).toEqual([]);
  });

  it('has no state that nothing leads to', () => {
    const reached = entered(machine);
    expect(nodes.filter((node) => !reached.has(node)).map(({ id }) => id)).toEqual([]);
  });

  it('has named actions, guards, actors and delays only', () => {
    const nameless: string[] = [];
    for (const node of nodes) {
      const transitions = transitionsOf(node);
      const actions = [...node.entry, ...node.exit, ...transitions.flatMap((one) => one.actions)];
      for (const action of actions)
        if (typeof action === 'function' && !('delay' in action || 'resolve' in action))
          nameless.push(node.id);
      for (const { guard } of transitions) if (typeof guard === 'function') nameless.push(node.id);
      for (const { src } of node.invoke) if (typeof src !== 'string') nameless.push(node.id);
    }
    expect(nameless).toEqual([]);
  });
});

it('covers every machine that the package exports', () => {
  expect(charts.map(([name]) => name).toSorted()).toEqual([
    'busMachine',
    'connectionMachine',
    'consumerMachine',
    'deliveryMachine',
    'handlerMachine',
    'subscriptionMachine',
  ]);
});
