import type { FaultRun } from '../fault/fault-run.ts';
import { reckon } from '../fault/reckoning.ts';

/** What a walk came to. */
export interface Tally {
  /** What must hold and doesn't, in words; empty when all is well. */
  readonly problems: string[];
  readonly confirmed: number;
  readonly handled: number;
  readonly deadLettered: number;
  /** Handled again because they were handed out again, and how many may have been. */
  readonly redelivered: number;
  readonly excused: number;
  readonly storedTwice: number;
}

/** Holds what a run has done, once it is at rest, against what its faults explain. */
export async function tallied(
  run: FaultRun,
  facts: {
    readonly replayed: ReadonlySet<string>;
    /** Events that others which were published later may come before. */
    readonly overtaken: ReadonlySet<string>;
    /** Consumers stopped and gave back what others of the group had then. */
    readonly handsOver: boolean;
    /** Messages of the group that the broker still has. */
    readonly unsettled: number;
  },
): Promise<Tally> {
  const ledger = await run.ledger();
  const { confirmed } = run;
  const unconfirmed = ledger.published.map(({ id }) => id).filter((id) => !confirmed.has(id));
  const { broker } = run.place.at;
  const { figures, breaches, redelivered, storedTwice } = reckon(
    { ...ledger, outOfOrder: new Set([...facts.replayed, ...facts.overtaken, ...unconfirmed]) },
    broker === 'kafka' ? 'group' : facts.handsOver ? 'nobody' : 'consumer',
  );
  const { handled } = run;
  const lost = [...facts.replayed].filter((id) => !handled.has(id));
  const unexplained = run.doubts.unexplained(storedTwice);
  const problems = [...breaches];
  if (lost.length > 0)
    problems.push(`${lost.length} replayed dead letters were not handled, such as ${lost[0]}`);
  if (redelivered.length > run.inFlight)
    problems.push(
      `${redelivered.length} events were handled again, where ${run.inFlight} may; such as ${redelivered[0]}`,
    );
  if (unexplained.length > 0)
    problems.push(
      `${unexplained.length} copies of events were stored that no publish in doubt explains, such as of ${unexplained[0]}`,
    );
  if (facts.unsettled > 0) problems.push(`${facts.unsettled} messages of the group are not settled`);
  return {
    problems,
    confirmed: figures.confirmed,
    handled: figures.handled,
    deadLettered: figures.deadLettered,
    redelivered: redelivered.length,
    excused: run.inFlight,
    storedTwice: figures.storedTwice,
  };
}
