import type uPlot from 'uplot';
import type { Sample } from '../protocol.ts';
import { make, numeral, setText } from './elements.ts';

/** Seconds that a plot shows. */
const SPAN = 300;
const HEIGHT = 110;
/** Served beside this file; a path that isn't a literal is left alone by the compiler. */
const UPLOT: string = './uplot.js';

type Figure = Exclude<keyof Sample, 'at'>;

interface Series {
  readonly figure: Figure;
  readonly label: string;
  /** Of the colours in page.css. */
  readonly colour: string;
}

const PLOTS: readonly {
  readonly title: string;
  readonly unit: string;
  readonly series: readonly Series[];
}[] = [
  {
    title: 'Throughput',
    unit: '/s',
    series: [
      { figure: 'published', label: 'published', colour: '--series-1' },
      { figure: 'consumed', label: 'consumed', colour: '--series-2' },
      { figure: 'failed', label: 'failed', colour: '--series-3' },
    ],
  },
  {
    title: 'In flight',
    unit: '',
    series: [{ figure: 'inFlight', label: 'deliveries', colour: '--series-1' }],
  },
  {
    title: 'Retrying',
    unit: '',
    series: [
      { figure: 'troubled', label: 'in trouble', colour: '--series-3' },
      { figure: 'retried', label: 'retries/s', colour: '--series-1' },
    ],
  },
  { title: 'Lag', unit: '', series: [{ figure: 'lag', label: 'not handed out', colour: '--series-1' }] },
  {
    title: 'Dead letters',
    unit: '',
    series: [{ figure: 'deadLetters', label: 'stored', colour: '--series-3' }],
  },
];

type Lines = [xs: number[], ...series: (number | null)[][]];

interface Plot {
  readonly series: readonly Series[];
  readonly unit: string;
  readonly title: string;
  readonly figure: HTMLElement;
  readonly canvas: HTMLElement;
  readonly values: readonly HTMLElement[];
  drawn: uPlot | undefined;
}

/** The figures over the last minutes. */
export class Plots {
  readonly #plots: readonly Plot[];
  #samples: readonly Sample[] = [];
  #uPlot: typeof uPlot | undefined = undefined;

  constructor(place: HTMLElement) {
    this.#plots = PLOTS.map((plot) => {
      const values = plot.series.map(() => make('b', {}, '–'));
      const canvas = make('div', {
        class: 'canvas',
        role: 'img',
        'aria-label': `${plot.title}: no figures yet`,
      });
      const legend = plot.series.map(({ label, colour }, at) =>
        make(
          'span',
          { class: 'legend' },
          make('i', { class: `swatch ${colour.slice(2)}` }),
          `${label} `,
          values[at] as Node,
        ),
      );
      const figure = make(
        'figure',
        {},
        make('figcaption', {}, make('h3', {}, plot.title), ...legend),
        canvas,
      );
      place.append(figure);
      return { ...plot, figure, canvas, values, drawn: undefined };
    });
    new ResizeObserver(() => this.#resize()).observe(place);
    // Its colours are in the canvas.
    matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => this.#drawAnew());
    void this.#load();
  }

  add(samples: readonly Sample[]): void {
    const all = [...this.#samples, ...samples];
    const since = (all.at(-1)?.at ?? 0) - SPAN;
    this.#samples = all.filter(({ at }) => at >= since);
    this.#draw();
  }

  clear(): void {
    this.#samples = [];
  }

  async #load(): Promise<void> {
    this.#uPlot = ((await import(UPLOT)) as { default: typeof uPlot }).default;
    this.#drawAnew();
  }

  #drawAnew(): void {
    for (const plot of this.#plots) {
      plot.drawn?.destroy();
      plot.drawn = this.#uPlot && new this.#uPlot(optionsOf(plot), this.#linesOf(plot), plot.canvas);
    }
    this.#resize();
  }

  #draw(): void {
    const last = this.#samples.at(-1);
    for (const plot of this.#plots) {
      const said = plot.series.map(({ figure, label }, at) => {
        const value = last?.[figure] ?? null;
        const text = value === null ? 'unknown' : `${numeral(value)}${plot.unit}`;
        setText(plot.values[at] as HTMLElement, text);
        return `${label} ${text}`;
      });
      plot.canvas.setAttribute('aria-label', `${plot.title}: ${said.join(', ')}`);
      plot.drawn?.setData(this.#linesOf(plot));
    }
  }

  #linesOf({ series }: Plot): Lines {
    const lines = series.map(({ figure }) => this.#samples.map((sample) => sample[figure]));
    return [this.#samples.map(({ at }) => at), ...lines];
  }

  #resize(): void {
    for (const { canvas, drawn } of this.#plots) {
      const width = canvas.clientWidth;
      if (width > 0 && drawn !== undefined && drawn.width !== width) drawn.setSize({ width, height: HEIGHT });
    }
  }
}

function optionsOf({ series, canvas }: Plot): uPlot.Options {
  const style = getComputedStyle(document.documentElement);
  const colour = (name: string): string => style.getPropertyValue(name).trim();
  const font = `11px ${style.getPropertyValue('font-family')}`;
  const axis = {
    stroke: colour('--quiet'),
    font,
    ticks: { show: false },
    grid: { stroke: colour('--line'), width: 1 },
  };
  return {
    width: Math.max(canvas.clientWidth, 100),
    height: HEIGHT,
    legend: { show: false },
    cursor: { show: false },
    scales: {
      x: { time: true, range: (_, from, to) => [Math.max(from, to - SPAN), Math.max(to, from + 10)] },
      y: { range: (_, __, most) => [0, Math.max(most ?? 0, 1) * 1.1] },
    },
    axes: [
      { ...axis, grid: { show: false }, size: 20, gap: 2, space: 70, values: (_, at) => at.map(timeOf) },
      { ...axis, size: 44, gap: 4, space: 30, values: (_, at) => at.map(shortNumeral) },
    ],
    series: [
      {},
      ...series.map((one) => ({
        label: one.label,
        stroke: colour(one.colour),
        width: 1.5,
        points: { show: false },
        ...(series.length === 1 && { fill: `${colour(one.colour)}22` }),
      })),
    ],
  };
}

const timeOf = (at: number): string =>
  new Date(at * 1000).toLocaleTimeString(undefined, {
    hour: '2-digit',
    minute: '2-digit',
    second: '2-digit',
    hour12: false,
  });

const short = new Intl.NumberFormat('en', { notation: 'compact', maximumFractionDigits: 1 });
/** Counts have no halves. */
const shortNumeral = (value: number): string => (value > 0 && value < 1 ? '' : short.format(value));
