import { describe, expect, it } from 'vitest';
import { createMachine } from 'xstate';
import { labelLines, LINE_HEIGHT, lineWidth } from '../../../src/charts/boxes.ts';
import { chartOf, svgOf } from '../../../src/charts/index.ts';
import { layoutOf } from '../../../src/charts/layout.ts';
import { machines } from '../../../src/cli/machines.ts';
import { stateless, vendingMachine } from '../../support/vending-machine.ts';

const chart = chartOf(vendingMachine);
const svg = await svgOf(chart);
const attributes = (name: string) =>
  [...svg.matchAll(new RegExp(` ${name}="([^"]*)"`, 'g'))].map((one) => one[1]!);

describe('a chart as a picture', () => {
  it('has one group for each state and each transition, by its id', () => {
    expect(attributes('data-state').toSorted()).toEqual(chart.states.map(({ id }) => id).toSorted());
    const escaped = chart.transitions.map(({ id }) => id.replaceAll('&', '&amp;').replaceAll('>', '&gt;'));
    expect(attributes('data-transition').toSorted()).toEqual(escaped.toSorted());
  });

  it('tells of each transition where it starts and what it waits for', () => {
    expect(svg).toContain(
      'data-transition="vending.selling/xstate.done.actor.cash/0" data-source="vending.selling" data-trigger="done"',
    );
  });

  it('is named, and explains its states', () => {
    expect(svg).toMatch(/^<svg [^>]*role="img" aria-label="Statechart vending"/);
    expect(svg).toContain('<title>Statechart vending</title>');
    expect(svg).toContain('<desc>Sells &quot;coffee&quot; &lt;hot&gt; &amp; tea; {always}.</desc>');
    expect(svg).toContain('<title>vending.idle: Waits for a customer.</title>');
  });

  it('has its colours in its style alone, light and dark', () => {
    const [style = ''] = /<style>[^<]*<\/style>/.exec(svg) ?? [];
    expect(style).toContain('prefers-color-scheme: dark');
    expect(svg.replace(style, '')).not.toMatch(/fill=|stroke=|style=|#[\da-f]{3,8}\b/i);
    const used = [...style.matchAll(/var\((--[\w-]+)\)/g)].map((one) => one[1]!);
    for (const property of new Set(used)) expect(style.split(`${property}:`), property).toHaveLength(3);
  });

  it('is well-formed XML whatever things are called', async () => {
    const odd = createMachine({
      id: 'a<b>&"c"',
      initial: "it's\u0001",
      states: {
        "it's\u0001": {
          on: { '</g><script>': { target: "it's\u0001", guard: ({ event }) => event.type < '2' } },
        },
      },
    });
    for (const text of [svg, await svgOf(chartOf(odd)), await svgOf(chartOf(stateless))]) {
      expect(text).not.toContain('<script');
      expect(text).not.toMatch(/\p{Cc}(?<!\n)|NaN|undefined/u);
      const open: string[] = [];
      const rest = text.replaceAll(
        /<(\/?)(\w+)(?: [\w-]+="[^"<]*")*(\/?)>/g,
        (_, end: string, tag: string, alone: string) => {
          if (end === '/') expect(open.pop()).toBe(tag);
          else if (alone === '') open.push(tag);
          return '';
        },
      );
      expect(open).toEqual([]);
      expect(rest).not.toMatch(/<|&(?!amp;|lt;|gt;|quot;|#39;)/);
    }
  });

  it('is drawn alike every time', async () => {
    expect(await svgOf(chartOf(vendingMachine))).toBe(svg);
  });

  it('draws a transition to several states to each of them', () => {
    const [group = ''] = /<g data-transition="vending.idle\/both\/0".*?<\/g>/s.exec(svg) ?? [];
    expect(group.match(/class="way"/g)).toHaveLength(2);
  });
});

interface Area {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

const overlap = (one: Area, other: Area): boolean =>
  one.x < other.x + other.width &&
  other.x < one.x + one.width &&
  one.y < other.y + other.height &&
  other.y < one.y + one.height;
const holds = (outer: Area, inner: Area): boolean =>
  outer.x <= inner.x &&
  outer.y <= inner.y &&
  outer.x + outer.width >= inner.x + inner.width &&
  outer.y + outer.height >= inner.y + inner.height;

describe.each([...machines, ['vending', vendingMachine] as const])(
  'the picture of %s',
  async (_, machine) => {
    const layout = await layoutOf(chartOf(machine));
    const byId = new Map(layout.states.map((placed) => [placed.state.id, placed]));
    const labels = layout.transitions.map(({ transitions, label }) => {
      const lines = transitions.flatMap(labelLines);
      return {
        id: transitions[0]!.id,
        x: label.x,
        y: label.y,
        width: Math.max(...lines.map(lineWidth)),
        height: lines.length * LINE_HEIGHT,
      };
    });

    it('has every state within its parent, below what is written there', () => {
      for (const placed of layout.states) {
        if (placed.state.type === 'history') continue;
        expect(placed.width, placed.state.id).toBeGreaterThanOrEqual(placed.box.width);
        expect(placed.height, placed.state.id).toBeGreaterThanOrEqual(placed.box.height);
        const parent = byId.get(placed.state.parent ?? '');
        if (parent === undefined) continue;
        expect(holds(parent, placed), placed.state.id).toBe(true);
        expect(placed.y, placed.state.id).toBeGreaterThan(parent.y + parent.box.height);
      }
    });

    it('has no state upon another one', () => {
      for (const one of layout.states)
        for (const other of layout.states)
          if (one !== other && one.state.parent === other.state.parent)
            expect(overlap(one, other), `${one.state.id} and ${other.state.id}`).toBe(false);
    });

    it('has no label upon another one, nor upon what is written in a state', () => {
      for (const label of labels) {
        for (const other of labels)
          if (label !== other) expect(overlap(label, other), `${label.id} and ${other.id}`).toBe(false);
        for (const { state, box, x, y, width } of layout.states)
          expect(overlap(label, { x, y, width, height: box.height }), `${label.id} and ${state.id}`).toBe(
            false,
          );
      }
    });

    it('leads every line from its source to its target', () => {
      for (const { transitions, ways } of layout.transitions) {
        const { id, source, targets } = transitions[0]!;
        for (const [at, way] of ways.entries()) {
          expect(way.length, id).toBeGreaterThan(1);
          const near = ({ x, y, width, height }: Area): Area => ({
            x: x - 1,
            y: y - 1,
            width: width + 2,
            height: height + 2,
          });
          expect(holds(near(byId.get(source)!), { ...way[0]!, width: 0, height: 0 }), id).toBe(true);
          expect(holds(near(byId.get(targets[at]!)!), { ...way.at(-1)!, width: 0, height: 0 }), id).toBe(
            true,
          );
        }
      }
    });
  },
);
