import { setImmediate as nextTurn } from 'node:timers/promises';

/** Counts by kind of what keeps a process alive: sockets, timers, child processes. */
export type Resources = ReadonlyMap<string, number>;

const PATIENCE_MS = 3_000;

export function activeResources(): Resources {
  const counts = new Map<string, number>();
  for (const kind of process.getActiveResourcesInfo()) counts.set(kind, (counts.get(kind) ?? 0) + 1);
  // Our own wait for the next turn, not something that a test left.
  counts.delete('Immediate');
  return counts;
}

/** What there is more of than before, in words; gives sockets a moment to close. */
export async function leftovers(before: Resources): Promise<string[]> {
  const givenUpAt = performance.now() + PATIENCE_MS;
  for (;;) {
    const more = [...activeResources()].filter(([kind, count]) => count > (before.get(kind) ?? 0));
    if (more.length === 0) return [];
    if (performance.now() > givenUpAt)
      return more.map(([kind, count]) => `${kind}: ${count}, were ${before.get(kind) ?? 0}`);
    await nextTurn();
  }
}
