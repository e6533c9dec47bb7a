import { copyFile, readdir, stat, writeFile } from 'node:fs/promises';
import { MACHINES } from '../src/inspector/drawings.ts';
import { chartOf } from '../src/charts/chart.ts';
import { svgOf } from '../src/charts/svg.ts';

/**
 * What the page of the inspector has beside its scripts: files that the compiler leaves where they are, and the charts of
 * all machines. Drawn here, because laying out a chart stops the event loop for a moment, and that is the bus'.
 */

const root = new URL('../', import.meta.url);
const from = new URL('src/inspector/page/', root);
const to = new URL('dist/src/inspector/page/', root);

for (const name of await readdir(from))
  if (/\.(?:html|css|svg)$/.test(name)) await copyFile(new URL(name, from), new URL(name, to));

const changedAt = Math.max(
  ...(await Promise.all(
    ['machines/', 'src/charts/', 'src/inspector/drawings.ts', 'scripts/build-page.ts'].map(newest),
  )),
);
for (const machine of MACHINES) {
  const file = new URL(`chart-${machine.id}.svg`, to);
  if ((await timeOf(file)) <= changedAt) await writeFile(file, withoutStyle(await svgOf(chartOf(machine))));
}

/** The page allows no inline styles; that of the charts comes to it as a file. */
function withoutStyle(svg: string): string {
  return svg.replace(/<style>[^]*?<\/style>/, '');
}

/** When a file was written last, or the last of a folder's. */
async function newest(path: string): Promise<number> {
  const url = new URL(path, root);
  if (!path.endsWith('/')) return timeOf(url);
  return Math.max(...(await Promise.all((await readdir(url)).map((name) => timeOf(new URL(name, url))))));
}

async function timeOf(file: URL): Promise<number> {
  const found = await stat(file).catch(() => undefined);
  return found?.mtimeMs ?? 0;
}
