import { randomUUID } from 'node:crypto';
import { link, readFile, rename, rm, writeFile } from 'node:fs/promises';

/**
 * Takes the file for this process; resolves with what gives it back. A holder that died holds it no more.
 * @throws {Error} naming the process that holds it.
 */
export async function lock(path: string): Promise<() => Promise<void>> {
  const mine = `${path}.${randomUUID()}`;
  await writeFile(mine, String(process.pid));
  try {
    while (!(await linked(mine, path))) {
      const holder = Number(await readFile(path, 'utf8').catch(() => ''));
      if (holder > 0 && isAlive(holder)) throw new Error(`Process ${holder} holds ${path}.`);
      if (holder > 0) await takeAway(path, holder);
    }
  } finally {
    await rm(mine);
  }
  return () => rm(path, { force: true });
}

/** A link is there with its content or not at all; a new file may be seen while it is still empty. */
async function linked(from: string, to: string): Promise<boolean> {
  try {
    await link(from, to);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

/** Only from the holder that died: another process may have been faster, and hold it by now. */
async function takeAway(path: string, holder: number): Promise<void> {
  const aside = `${path}.${randomUUID()}`;
  try {
    await rename(path, aside);
  } catch {
    return;
  }
  if (Number(await readFile(aside, 'utf8')) !== holder) await linked(aside, path);
  await rm(aside);
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
