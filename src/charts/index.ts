export { activeStates } from './active.ts';
export { chartOf } from './chart.ts';
export type { Chart, ChartState, ChartTransition } from './chart.ts';
export { jsonOf } from './json.ts';
export { mermaidOf } from './mermaid.ts';
export type { Trigger } from './names.ts';
export { svgOf } from './svg.ts';
