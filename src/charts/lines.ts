import type { Chart, ChartTransition } from './chart.ts';

/** Transitions that leave for the same states share a line; those that stay are written in their state. */
export function linesOf(chart: Chart): ChartTransition[][] {
  const lines = new Map<string, ChartTransition[]>();
  for (const transition of chart.transitions) {
    if (transition.targets.length === 0) continue;
    const ends = JSON.stringify([transition.source, ...transition.targets]);
    const line = lines.get(ends);
    if (line === undefined) lines.set(ends, [transition]);
    else line.push(transition);
  }
  return [...lines.values()];
}

/** Whether a state is somewhere within another one. */
export function isBelow(chart: Chart, ancestor: string): (id: string) => boolean {
  const parents = new Map(chart.states.map(({ id, parent }) => [id, parent]));
  return (id) => {
    for (let at = parents.get(id); at !== undefined; at = parents.get(at)) if (at === ancestor) return true;
    return false;
  };
}
