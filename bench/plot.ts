import { parse, View, type Spec } from 'vega';
import type { Result } from './contest.ts';

const WIDTH = 420;
const ROW_HEIGHT = 26;
const INK = '#1f2933';
const MUTED = '#52606d';

/** Each row that has a floor, as a multiple of it, beside its bar. Rates first: there longer is better. */
export async function plotOf(results: readonly Result[]): Promise<string> {
  const rows = results.filter(({ ratio }) => ratio !== undefined);
  const rates = rows.filter(({ unit }) => unit === 'perSecond');
  const times = rows.filter(({ unit }) => unit !== 'perSecond');
  const view = new View(
    parse({
      $schema: 'https://vega.github.io/schema/vega/v6.json',
      background: 'white',
      padding: 12,
      layout: { columns: 1, padding: { row: 44 }, align: 'each' },
      marks: [
        ...(rates.length > 0 ? [panel('Rate, as a multiple of the floor’s: longer is better', rates)] : []),
        ...(times.length > 0 ? [panel('Time, as a multiple of the floor’s: shorter is better', times)] : []),
      ],
    }),
    { renderer: 'none' },
  );
  const svg = await view.toSVG();
  view.finalize();
  return `${svg}\n`;
}

type Group = NonNullable<Spec['marks']>[number];

function panel(title: string, results: readonly Result[]): Group {
  const name = title.split(',')[0] ?? title;
  const values = results.map(({ what, ratio, bar, passed }) => ({
    what,
    ratio,
    label: `${(ratio ?? 0).toFixed(2)} ×`,
    bar: bar === undefined ? null : 'atLeast' in bar ? bar.atLeast : bar.atMost,
    colour: passed === undefined ? '#9fb3c8' : passed ? '#2f855a' : '#c05621',
  }));
  const data = `rows of ${name}`;
  const height = values.length * ROW_HEIGHT;
  const most = Math.max(...values.flatMap(({ ratio, bar }) => [ratio ?? 0, bar ?? 0, 1]));
  const y = { scale: 'y', field: 'what' };
  const band = (from: number, to: number) => ({
    y: { ...y, band: from },
    y2: { ...y, band: to },
  });
  return {
    type: 'group',
    title: { text: title, anchor: 'start', frame: 'group', color: INK, fontSize: 13, offset: 10 },
    data: [{ name: data, values }],
    scales: [
      { name: 'y', type: 'band', domain: values.map(({ what }) => what), range: [0, height] },
      { name: 'x', type: 'linear', domain: [0, most * 1.12], range: [0, WIDTH], nice: false },
    ],
    axes: [
      {
        orient: 'left',
        scale: 'y',
        ticks: false,
        domain: false,
        labelColor: INK,
        labelLimit: 0,
        labelPadding: 8,
      },
      { orient: 'bottom', scale: 'x', grid: true, tickCount: 6, labelColor: MUTED, gridColor: '#e4e7eb' },
    ],
    encode: { enter: { width: { value: WIDTH }, height: { value: height } } },
    marks: [
      {
        type: 'rect',
        from: { data },
        encode: {
          enter: {
            x: { scale: 'x', value: 0 },
            x2: { scale: 'x', field: 'ratio' },
            ...band(0.18, 0.82),
            fill: { field: 'colour' },
          },
        },
      },
      {
        type: 'rule',
        encode: {
          enter: {
            x: { scale: 'x', value: 1 },
            y: { value: 0 },
            y2: { value: height },
            stroke: { value: MUTED },
            strokeDash: { value: [3, 3] },
          },
        },
      },
      {
        type: 'rule',
        from: { data },
        encode: {
          enter: {
            x: { scale: 'x', field: 'bar' },
            ...band(0.04, 0.96),
            stroke: { value: INK },
            strokeWidth: { value: 2.5 },
            opacity: { signal: 'datum.bar === null ? 0 : 1' },
          },
        },
      },
      {
        type: 'text',
        from: { data },
        encode: {
          enter: {
            x: { signal: "scale('x', max(datum.ratio, datum.bar || 0)) + 6" },
            y: { ...y, band: 0.5 },
            text: { field: 'label' },
            baseline: { value: 'middle' },
            fill: { value: INK },
            fontSize: { value: 11 },
          },
        },
      },
    ],
  } as Group;
}
