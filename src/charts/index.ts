export { activeStates } from './active.ts';
export { chartOf } from './chart.ts';
export type { Chart, ChartState, ChartTransition } from './chart.ts';
export { mermaidOf } from './mermaid.ts';
export { svgOf } from './svg.ts';
