import { readdirSync, readFileSync } from 'node:fs';

/** Whether that process runs; one that has ended and waits for its parent to notice doesn't. */
export function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
  } catch {
    return false;
  }
  return statusOf(pid)?.state !== 'Z';
}

/** What that process has started, and they in turn. Empty where there is no /proc. */
export function descendants(pid: number): number[] {
  let ids: number[];
  try {
    ids = readdirSync('/proc').map(Number).filter(Boolean);
  } catch {
    return [];
  }
  const children = ids.filter((id) => statusOf(id)?.parent === pid);
  return children.flatMap((child) => [child, ...descendants(child)]);
}

function statusOf(pid: number): { readonly state: string; readonly parent: number } | undefined {
  try {
    // The name stands in brackets and may hold anything.
    const [state = '', parent = ''] = readFileSync(`/proc/${pid}/stat`, 'utf8')
      .replace(/^.*\) /s, '')
      .split(' ');
    return { state, parent: Number(parent) };
  } catch {
    return undefined;
  }
}
