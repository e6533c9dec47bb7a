import type { NotTested } from './brokers.ts';

export interface SkippedTest {
  /** File, suites and name, joined by ` > `. */
  readonly id: string;
  readonly note?: string | undefined;
}

/** What became of the skipped tests of a run; `problems` fail it. */
export interface SkipReport {
  /** With the reason on the list. */
  readonly allowed: readonly { readonly id: string; readonly reason: string }[];
  /** Those of a transport whose broker isn't here, by its name. */
  readonly notTested: ReadonlyMap<string, number>;
  readonly problems: readonly string[];
}

/**
 * Holds skipped tests against the allow-list of test/skips.json.
 * @param run.isComplete False when the user picked tests by name: then the rest is skipped and says nothing.
 * @param run.ran Whether the file of an entry took part in this run, or undefined when there is no such file.
 */
export function judgeSkips(
  skipped: readonly SkippedTest[],
  list: Readonly<Record<string, string>>,
  run: {
    readonly isComplete: boolean;
    readonly notTested: readonly NotTested[];
    readonly ran: (file: string) => boolean | undefined;
  },
): SkipReport {
  const allowed: { id: string; reason: string }[] = [];
  const notTested = new Map<string, number>();
  const problems: string[] = [];
  if (!run.isComplete) return { allowed, notTested, problems };
  for (const { id } of skipped) {
    const reason = list[id];
    const missing = run.notTested.find(({ broker }) => id.toLowerCase().includes(broker));
    if (reason !== undefined) allowed.push({ id, reason });
    else if (missing !== undefined) notTested.set(missing.broker, (notTested.get(missing.broker) ?? 0) + 1);
    else problems.push(`Skipped, but not in test/skips.json: ${id}`);
  }
  const ids = new Set(skipped.map(({ id }) => id));
  for (const [id, reason] of Object.entries(list)) {
    if (reason.trim() === '') problems.push(`test/skips.json gives no reason: ${id}`);
    if (ids.has(id)) continue;
    const ran = run.ran(id.split(' > ')[0] ?? '');
    if (ran !== false) problems.push(`test/skips.json lists what isn't skipped, or isn't there: ${id}`);
  }
  return { allowed, notTested, problems };
}
