import { execFile } from 'node:child_process';
import { mkdtemp, readdir, readFile, rename, rm, stat } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { withLock } from './file-lock.ts';

const pom = resolve(import.meta.dirname, 'kafka-pom.xml');
/** Maven fetches 54 MB. */
const downloadTimeoutMs = 600_000;

/**
 * The folder with the jars of a Kafka server, such as `.brokers/kafka-4.3.1`; undefined when it isn't there, and no
 * Maven that could fetch them. Of several processes that ask at once, one does; the others wait.
 * @throws {Error} with Maven's words when it can't.
 */
export async function kafkaJars(cache: string, maven: string | undefined): Promise<string | undefined> {
  const version = /<kafka\.version>(.*)<\/kafka\.version>/.exec(await readFile(pom, 'utf8'))?.[1];
  const folder = join(cache, `kafka-${version}`);
  if (await exists(folder)) return folder;
  if (maven === undefined) return undefined;
  return withLock(join(cache, 'kafka.lock'), downloadTimeoutMs, async () => {
    if (!(await exists(folder))) await download(cache, folder, maven);
    return folder;
  });
}

/** A folder that is there is whole: it gets its name last. */
async function download(cache: string, folder: string, maven: string): Promise<void> {
  for (const name of await readdir(cache)) {
    // One that was interrupted.
    if (name.startsWith(`${basename(folder)}.`)) await rm(join(cache, name), { recursive: true });
  }
  const unfinished = await mkdtemp(`${folder}.`);
  try {
    const args = ['-q', '-B', '-Dstyle.color=never', '-f', pom];
    args.push('dependency:copy-dependencies', `-DoutputDirectory=${unfinished}`);
    await promisify(execFile)(maven, args, { timeout: downloadTimeoutMs });
    await rename(unfinished, folder);
  } catch (error) {
    await rm(unfinished, { recursive: true, force: true });
    const { stdout = '', message } = error as Error & { stdout?: string };
    throw new Error(`Maven could not fetch Kafka: ${stdout.trim() || message}`, { cause: error });
  }
}

export function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}
