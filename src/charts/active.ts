import type { StateValue } from 'xstate';
import type { Chart } from './chart.ts';

/** Ids of the states that a snapshot's `value` is in: the root, and every parent with its child. */
export function activeStates(chart: Chart, value: StateValue): readonly string[] {
  const root = chart.states[0];
  return root === undefined ? [] : [root.id, ...within(chart, root.id, value)];
}

function within(chart: Chart, parent: string, value: StateValue): string[] {
  const children = typeof value === 'string' ? { [value]: {} } : value;
  return Object.entries(children).flatMap(([key, below]) => {
    const state = chart.states.find((one) => one.parent === parent && one.key === key);
    return state === undefined || below === undefined ? [] : [state.id, ...within(chart, state.id, below)];
  });
}
