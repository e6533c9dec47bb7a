import type { RecordedAttempt } from './recorder.ts';

/** What one group did with what one destination was given. */
export interface Ledger {
  /** In the order in which publishing was asked for. */
  readonly published: readonly { readonly id: string; readonly key: string }[];
  /** Ids whose publish resolved. */
  readonly confirmed: ReadonlySet<string>;
  readonly attempts: readonly RecordedAttempt[];
  readonly deadLettered: ReadonlySet<string>;
}

export interface Allowance {
  /** Attempts that one handler may make at one delivery. */
  readonly maxAttempts: number;
  /** Deliveries that may come again: of a test's restarts, releases and replays. */
  readonly redeliveries: number;
  /** Whether attempts of one key are one after another, in publish order, within one consumer. */
  readonly isOrdered: boolean;
  /** Exactly so many confirmed events are neither handled nor dead letters, because a policy dropped them. */
  readonly givenUp: number;
}

/** Every breach of I1 to I6 that the ledger shows, in words; none when all is well. */
export function breaches(ledger: Ledger, allowance: Allowance): string[] {
  return [
    ...unaccounted(ledger, allowance),
    ...badAttempts(ledger, allowance),
    ...repeated(ledger, allowance),
    ...(allowance.isOrdered ? [...overlapping(ledger.attempts), ...disordered(ledger)] : []),
  ];
}

/** I1, I6: confirmed = handled ∪ dead-lettered, and nobody handles what nobody published. */
function unaccounted(
  { published, confirmed, attempts, deadLettered }: Ledger,
  { givenUp }: Allowance,
): string[] {
  const handled = new Set(attempts.filter(({ outcome }) => outcome === 'succeeded').map(({ id }) => id));
  const known = new Set(published.map(({ id }) => id));
  const lost = [...confirmed].filter((id) => !handled.has(id) && !deadLettered.has(id));
  const unknown = [...handled].filter((id) => !known.has(id));
  return [
    ...(lost.length !== givenUp
      ? [`I6: ${lost.length} confirmed events are lost, where ${givenUp} are given up; such as ${lost[0]}`]
      : []),
    ...(unknown.length > 0 ? [`I6: ${unknown.length} events were handled that nobody published`] : []),
  ];
}

/** I3 and I4: an attempt above 1 follows the failed one before it, in the same handler of the same consumer. */
function badAttempts({ attempts }: Ledger, { maxAttempts }: Allowance): string[] {
  const found: string[] = [];
  const last = new Map<string, RecordedAttempt>();
  for (const attempt of attempts) {
    const place = `${attempt.consumer} ${attempt.subscription} ${attempt.id}`;
    const before = last.get(place);
    last.set(place, attempt);
    if (attempt.attempt > maxAttempts)
      found.push(`attempt ${attempt.attempt} of at most ${maxAttempts}: ${place}`);
    if (attempt.attempt === 1) continue;
    if (before === undefined) found.push(`I3: a retry that nobody there had failed: ${place}`);
    else if (before.outcome !== 'failed')
      found.push(`I4: a handler that had ${before.outcome} was run again: ${place}`);
    else if (before.attempt !== attempt.attempt - 1)
      found.push(`attempt ${attempt.attempt} came after attempt ${before.attempt}: ${place}`);
  }
  return found;
}

/** I2, seen from the handlers: a settled delivery doesn't come again. */
function repeated({ attempts }: Ledger, { redeliveries }: Allowance): string[] {
  const firsts = attempts.filter(({ attempt }) => attempt === 1);
  const distinct = new Set(firsts.map(({ id, subscription }) => `${subscription} ${id}`));
  const again = firsts.length - distinct.size;
  return again > redeliveries ? [`I2: ${again} deliveries came again, where ${redeliveries} may`] : [];
}

/** I5: within one consumer, no two events of a key run at once. Handlers of one event run side by side. */
export function overlapping(attempts: readonly RecordedAttempt[]): string[] {
  const found: string[] = [];
  for (const [lane, list] of lanesOf(attempts)) {
    let last = { id: '', end: -1 };
    for (const { id, start, end = Infinity } of list) {
      if (id !== last.id && start < last.end)
        found.push(`I5: two events of one key overlapped: ${lane} ${last.id} ${id}`);
      last = { id, end: id === last.id ? Math.max(end, last.end) : end };
    }
  }
  return found;
}

/** I5: within one consumer, first attempts of a key start in publish order. */
export function disordered({ published, attempts }: Pick<Ledger, 'published' | 'attempts'>): string[] {
  const found: string[] = [];
  const rank = new Map(published.map(({ id }, index) => [id, index]));
  for (const [lane, list] of lanesOf(attempts)) {
    const seen = new Set<string>();
    let newest = -1;
    for (const { id } of list) {
      if (seen.has(id)) continue;
      seen.add(id);
      const place = rank.get(id) ?? -1;
      if (place < newest) found.push(`I5: started out of publish order: ${lane} ${id}`);
      newest = Math.max(newest, place);
    }
  }
  return found;
}

function lanesOf(attempts: readonly RecordedAttempt[]): Map<string, RecordedAttempt[]> {
  const lanes = new Map<string, RecordedAttempt[]>();
  for (const attempt of attempts) {
    const lane = `${attempt.consumer} ${attempt.key}`;
    const list = lanes.get(lane);
    if (list === undefined) lanes.set(lane, [attempt]);
    else list.push(attempt);
  }
  return lanes;
}
