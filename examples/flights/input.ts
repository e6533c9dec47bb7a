import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, resolve } from 'node:path';
import { Problem } from './problem.ts';

/**
 * Reads the rows of a file as they stand there, from a JSON array or a `.parquet` file.
 * @param name A path from the working directory, else the name of a file of the vega-datasets package.
 * @param limit Most rows to read.
 * @throws {Problem} when there is no such file, or it is neither of the two.
 */
export async function readRows(name: string, limit = Infinity): Promise<readonly unknown[]> {
  const path = locate(name);
  const rows = await (path.endsWith('.parquet') ? readParquet(path, limit) : readJson(path, limit)).catch(
    (error: Error) => {
      // What a parser says of a file of another kind need not end like a sentence, or make sense.
      const reason = error.message.replace(/\.$/, '');
      throw new Problem(
        `Can't read ${path}: ${reason}. Give a JSON array of flight records or a .parquet file.`,
        {
          cause: error,
        },
      );
    },
  );
  if (rows.length === 0) throw new Problem(`${path} holds no records: there is nothing to publish.`);
  return rows;
}

function locate(name: string): string {
  const datasets = resolve(dirname(createRequire(import.meta.url).resolve('vega-datasets')), '../data');
  const found = [resolve(name), resolve(datasets, name)].find((path) => existsSync(path));
  if (found !== undefined) return found;
  throw new Problem(
    `There is no file ${name} in ${process.cwd()}, nor in the vega-datasets package. ` +
      'Give the path of a JSON array or .parquet file, or one of vega-datasets: ' +
      'flights-2k.json, flights-10k.json, flights-20k.json, flights-3m.parquet.',
  );
}

async function readJson(path: string, limit: number): Promise<readonly unknown[]> {
  const rows: unknown = JSON.parse(await readFile(path, 'utf8'));
  if (!Array.isArray(rows)) throw new Error('it is JSON, but not an array of records');
  return limit < rows.length ? rows.slice(0, limit) : rows;
}

async function readParquet(path: string, limit: number): Promise<readonly unknown[]> {
  const [{ asyncBufferFromFile, parquetReadObjects }, { compressors }] = await Promise.all([
    import('hyparquet'),
    import('hyparquet-compressors'),
  ]);
  const file = await asyncBufferFromFile(path);
  return parquetReadObjects({ file, compressors, ...(limit < Infinity && { rowEnd: limit }) });
}
