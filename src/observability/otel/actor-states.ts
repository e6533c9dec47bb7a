import type { AnyActorRef } from 'xstate';
import { childrenOf } from '../../../machines/internals.ts';
import type { Gauges } from './instruments.ts';

const MACHINES = new Set(['bus', 'connection', 'consumer', 'subscription', 'handler', 'delivery']);

/**
 * How many actors of each machine are in which state, such as `connecting.backingOff`. One with regions is counted once in
 * each; the name of a region stands before its state, `lanes.blocked`, but that of the lifecycle.
 */
export function actorStates(root: AnyActorRef): Gauges['actors'] {
  const counts = new Map<string, { machine: string; state: string; count: number }>();
  const look = (actor: AnyActorRef): void => {
    const snapshot: unknown = actor.getSnapshot();
    const machine = (actor as unknown as { readonly logic: { readonly id?: string } }).logic.id ?? '';
    if (MACHINES.has(machine)) {
      for (const state of statesOf((snapshot as { readonly value: Value }).value)) {
        const key = `${machine} ${state}`;
        const known = counts.get(key);
        if (known === undefined) counts.set(key, { machine, state, count: 1 });
        else known.count++;
      }
    }
    if (typeof snapshot === 'object' && snapshot !== null)
      for (const child of childrenOf(snapshot)) look(child);
  };
  look(root);
  return [...counts.values()];
}

type Value = string | { readonly [region: string]: Value };

function statesOf(value: Value): string[] {
  if (typeof value === 'string' || value['lifecycle'] === undefined) return [pathOf(value)];
  const { lifecycle, ...regions } = value;
  return [pathOf(lifecycle), ...Object.entries(regions).map(([name, state]) => `${name}.${pathOf(state)}`)];
}

function pathOf(value: Value): string {
  if (typeof value === 'string') return value;
  const [entry] = Object.entries(value);
  return entry === undefined ? '' : `${entry[0]}.${pathOf(entry[1])}`;
}
