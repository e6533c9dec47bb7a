import type { Chart } from './chart.ts';

/** The chart as Mermaid's `stateDiagram-v2`. */
export function mermaidOf(chart: Chart): string {
  return `stateDiagram-v2\n  state "${chart.id}" as root\n`;
}
