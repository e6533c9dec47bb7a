import { breaches, disordered, overlapping, type RecordedAttempt } from '../../src/testing/index.ts';
import type { Figures } from './figures.ts';

/** All that is known of a run once it has settled. */
export interface FaultLedger {
  readonly published: readonly { readonly id: string; readonly key: string }[];
  readonly confirmed: ReadonlySet<string>;
  /** Of this process, whose clock is its own, and of the others. */
  readonly here: readonly RecordedAttempt[];
  readonly elsewhere: readonly RecordedAttempt[];
  readonly deadLettered: ReadonlySet<string>;
  /** Ids of the events at the broker, with repetitions. */
  readonly stored: readonly string[];
  /** Ids of those that have no place in an order, such as what was replayed. */
  readonly outOfOrder?: ReadonlySet<string>;
}

export interface Reckoning {
  readonly figures: Omit<Figures, 'broker' | 'fault' | 'faults' | 'inFlight' | 'inDoubt'>;
  /** Of what must hold whatever the fault. */
  readonly breaches: readonly string[];
  /** Ids handled more than once, though stored once. */
  readonly redelivered: readonly string[];
  /** Every copy at the broker but the first of each event. */
  readonly storedTwice: readonly string[];
}

/** Within which the events of a key keep their order. */
export type OrderOf = 'group' | 'consumer' | 'nobody';

export function reckon(ledger: FaultLedger, orderOf: OrderOf): Reckoning {
  const { published, confirmed, here, elsewhere, deadLettered } = ledger;
  const attempts = [...here, ...elsewhere];
  const copies = repeated(ledger.stored);
  const storedTwice = new Set(copies);
  const succeeded = attempts.filter(({ outcome }) => outcome === 'succeeded').map(({ id }) => id);
  const handled = new Set(succeeded);
  const duplicates = repeated(succeeded);
  const redelivered = duplicates.filter((id) => !storedTwice.has(id));
  const allowance = { maxAttempts: 4, redeliveries: Infinity, isOrdered: false, givenUp: 0 };
  const inOrder = [here, elsewhere].flatMap((some) => {
    // What was stored twice has no place in an order.
    const once = some.filter(({ id }) => !storedTwice.has(id) && ledger.outOfOrder?.has(id) !== true);
    return disordered({ published, attempts: ORDERED[orderOf](once) });
  });
  return {
    figures: {
      published: new Set(published.map(({ id }) => id)).size,
      confirmed: confirmed.size,
      handled: handled.size,
      deadLettered: deadLettered.size,
      lost: [...confirmed].filter((id) => !handled.has(id) && !deadLettered.has(id)).length,
      redelivered: redelivered.length,
      storedTwice: copies.length,
    },
    breaches: [
      ...breaches({ published, confirmed, attempts, deadLettered }, allowance),
      ...overlapping(attempts),
      ...inOrder,
    ],
    redelivered,
    storedTwice: copies,
  };
}

/** What of all attempts must be in order, as far as `disordered` looks: within each consumer. */
const ORDERED: Readonly<
  Record<OrderOf, (attempts: readonly RecordedAttempt[]) => readonly RecordedAttempt[]>
> = {
  // As if one consumer had begun everything that was begun for the first time.
  group: (attempts) =>
    attempts
      .toSorted((one, other) => one.start - other.start)
      .map((attempt) => ({ ...attempt, consumer: 'any' })),
  // What came to it before it came to anybody else.
  consumer: (attempts) => attempts.filter(({ deliveryCount }) => deliveryCount === 1),
  nobody: () => [],
};

/** Every occurrence but the first. */
function repeated(ids: readonly string[]): string[] {
  const seen = new Set<string>();
  return ids.filter((id) => seen.size === seen.add(id).size);
}
