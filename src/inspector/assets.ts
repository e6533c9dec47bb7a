import { readdir, readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, extname, join } from 'node:path';

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.svg': 'image/svg+xml',
};

export interface Asset {
  readonly type: string;
  readonly body: Uint8Array<ArrayBuffer>;
}

/** Files of the page by their path. All of them are read at the start, so that no request touches the disk. */
export async function readAssets(
  more: Readonly<Record<string, Buffer>>,
): Promise<ReadonlyMap<string, Asset>> {
  // From the package's root, because sources have none: the page is compiled.
  const root = dirname(createRequire(import.meta.url).resolve('buschart/package.json'));
  const folder = join(root, 'dist/src/inspector/page');
  const names = (await readdir(folder)).filter((name) => TYPES[extname(name)] !== undefined);
  const files = await Promise.all(
    names.map(async (name): Promise<[string, Buffer]> => [`/${name}`, await readFile(join(folder, name))]),
  );
  const all = [...files, ...Object.entries(more)].map(([path, body]): [string, Asset] => [
    path,
    { type: TYPES[extname(path)] as string, body: new Uint8Array(body) },
  ]);
  const assets = new Map(all);
  const index = assets.get('/index.html');
  if (index !== undefined) assets.set('/', index);
  return assets;
}
