export { activeStates } from './active.ts';
export { chartOf } from './chart.ts';
export type { Chart, ChartState, ChartTransition } from './chart.ts';
