import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { format, resolveConfig } from 'prettier';
import {
  chartOf,
  mermaidOf,
  svgOf,
  type Chart,
  type ChartState,
  type ChartTransition,
} from '../src/charts/index.ts';
import { machines } from '../src/cli/machines.ts';

const FOLDER = 'docs/machines';

/** Every file of docs/machines by its path: a page and a picture for each machine, and the list of them. */
export async function chartFiles(): Promise<ReadonlyMap<string, string>> {
  const charts = [...machines.values()].map(chartOf);
  const files = new Map<string, string>([[join(FOLDER, 'README.md'), await markdown(index(charts))]]);
  for (const chart of charts) {
    files.set(join(FOLDER, `${chart.id}.md`), await markdown(page(chart)));
    files.set(join(FOLDER, `${chart.id}.svg`), await svgOf(chart));
  }
  return files;
}

async function markdown(text: string): Promise<string> {
  return format(text, { ...(await resolveConfig('README.md')), parser: 'markdown' });
}

function index(charts: readonly Chart[]): string {
  return `# The machines

Generated from \`machines/*.ts\` by \`npm run charts\`; a test fails when it is out of date.

| machine | what it is | states | transitions |
| --- | --- | --- | --- |
${charts.map(({ id, description, states, transitions }) => row([`[${id}](${id}.md)`, cell(description), `${states.length}`, `${transitions.length}`])).join('\n')}

\`npx buschart machines\` prints them for any version that is installed, as Mermaid, as JSON for the editor of Stately, or as a
picture.

How to read a chart: a dot leads to the state that is entered first. \`[guard]\` must hold, \`after\` is a time, \`always\` is taken
as soon as its guard holds, \`done\` and \`error\` are how an invoked actor ends (\`*\`: any actor). What a state writes below its
name happens in it without leaving it. A ring in a picture, and "anywhere in" in a Mermaid chart, is where transitions start that
any state within takes.
`;
}

function page(chart: Chart): string {
  return `# ${chart.id}

${chart.description ?? ''}

Generated from \`machines/${chart.id}.ts\` by \`npm run charts\`. [As one picture](${chart.id}.svg), [how to
read it, and the other machines](README.md).

${partsOf(chart).map(diagram).join('\n\n')}

## States

| state | what it means | tags | entry, exit, invoke |
| --- | --- | --- | --- |
${chart.states.map((state) => row([code(nameIn(chart, state.id)), cell(state.description), list(state.tags), doings(state)])).join('\n')}

## Transitions

| in | on | if | goes to | does |
| --- | --- | --- | --- | --- |
${chart.transitions.map((transition) => transitionRow(chart, transition)).join('\n')}
`;
}

interface Part {
  readonly title: string | undefined;
  readonly chart: Chart;
}

/** A machine of regions is too wide for one readable chart, and no transition leads from one to another. */
function partsOf(chart: Chart): Part[] {
  const [root] = chart.states;
  if (root?.type !== 'parallel') return [{ title: undefined, chart }];
  return chart.states
    .filter(({ parent }) => parent === root.id)
    .map((region) => {
      const isWithin = (id: string): boolean => id === region.id || id.startsWith(`${region.id}.`);
      return {
        title: region.key,
        chart: {
          id: region.id,
          description: region.description,
          states: chart.states.filter(({ id }) => isWithin(id)),
          transitions: chart.transitions.filter(({ source }) => isWithin(source)),
        },
      };
    });
}

function diagram({ title, chart }: Part): string {
  const heading = title === undefined ? '' : `## Region ${title}\n\n${chart.description ?? ''}\n\n`;
  return `${heading}\`\`\`mermaid\n${mermaidOf(chart)}\`\`\``;
}

function transitionRow(
  chart: Chart,
  { source, targets, label, guard, actions, isReentering }: ChartTransition,
): string {
  const staying = actions.length === 0 ? 'stays, ignores it' : 'stays';
  const goal = targets.map((target) => code(nameIn(chart, target))).join(', ');
  return row([
    code(nameIn(chart, source)),
    cell(label),
    guard === undefined ? '' : code(guard),
    targets.length === 0 ? staying : isReentering ? `${goal}, anew` : goal,
    list(actions),
  ]);
}

function doings({ entry, exit, invokes }: ChartState): string {
  return [
    ...(entry.length === 0 ? [] : [`entry ${list(entry)}`]),
    ...(exit.length === 0 ? [] : [`exit ${list(exit)}`]),
    ...(invokes.length === 0 ? [] : [`invoke ${list(invokes)}`]),
  ].join('<br>');
}

/** Without the machine's name, which every id begins with. */
function nameIn(chart: Chart, id: string): string {
  return id.startsWith(`${chart.id}.`) ? id.slice(chart.id.length + 1) : id;
}

function list(names: readonly string[]): string {
  return names.map(code).join(', ');
}

function code(text: string): string {
  return `\`${text.replaceAll('|', '\\|')}\``;
}

function cell(text = ''): string {
  return text.replaceAll('|', '\\|').replaceAll('*', '\\*');
}

function row(cells: readonly string[]): string {
  return `| ${cells.join(' | ')} |`;
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  mkdirSync(FOLDER, { recursive: true });
  for (const [path, text] of await chartFiles()) writeFileSync(path, text);
}
