/** Whoever shows a chart may set the properties anew, and gives `active` to the states and `taken` to the transitions it lights. */
export const CHART_STYLE = `
.chart {
  --chart-ground: #ffffff; --chart-ink: #1b2430; --chart-soft: #5b6675; --chart-line: #8391a3; --chart-edge: #56637a;
  --chart-state: #f3f6fa; --chart-guard: #8a4b08;
  --chart-lit: #1d5fd1; --chart-lit-ground: #dbe8ff;
}
@media (prefers-color-scheme: dark) {
  .chart {
    --chart-ground: #12161c; --chart-ink: #e6ebf2; --chart-soft: #a3afbf; --chart-line: #57647a; --chart-edge: #93a1b8;
    --chart-state: #1e2630; --chart-guard: #f0b46a;
    --chart-lit: #78aaff; --chart-lit-ground: #1c3763;
  }
}
.chart { font: 11px ui-sans-serif, system-ui, -apple-system, "Segoe UI", Roboto, "DejaVu Sans", sans-serif; }
.chart .ground { fill: var(--chart-ground); }
.chart .box { fill: var(--chart-state); stroke: var(--chart-line); stroke-width: 1.2; }
.chart .parent > .box { fill: none; pointer-events: stroke; }
.chart .state > text { paint-order: stroke; stroke: var(--chart-ground); stroke-width: 3px; stroke-linejoin: round; }
.chart .state:not(.parent) > text { stroke: none; }
.chart .region > .box { stroke-dasharray: 5 4; }
.chart .inner-box { fill: none; stroke: var(--chart-line); stroke-width: 1.2; }
.chart .rule { stroke: var(--chart-line); stroke-width: 0.8; }
.chart .name { font-size: 14px; font-weight: 650; fill: var(--chart-ink); }
.chart .line { fill: var(--chart-soft); white-space: pre; }
.chart .event { font-weight: 600; fill: var(--chart-ink); }
.chart .guard { fill: var(--chart-guard); }
.chart .way { fill: none; stroke: var(--chart-edge); stroke-width: 1.3; }
.chart [data-trigger="after"] .way { stroke-dasharray: 6 3; }
.chart .head, .chart .dot { fill: var(--chart-edge); }
.chart .within .dot { fill: var(--chart-ground); stroke: var(--chart-edge); stroke-width: 1.6; }
.chart .plate { fill: var(--chart-ground); fill-opacity: 0.86; }
.chart .active > .box { fill: var(--chart-lit-ground); stroke: var(--chart-lit); stroke-width: 2.2; }
.chart .parent.active > .box { fill: none; }
.chart .taken .way { stroke: var(--chart-lit); stroke-width: 2.4; }
.chart .taken .head { fill: var(--chart-lit); }
.chart .taken .event { fill: var(--chart-lit); }
`;
