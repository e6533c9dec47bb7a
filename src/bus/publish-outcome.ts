import type { Message } from '../contracts/message.ts';
import { PublishError, UnroutableError, type PublishFailure, type PublishOutcome } from '../errors.ts';

/** How far a publish had come when it failed. */
export interface Unfinished {
  readonly messages: readonly Message[];
  /** Those not confirmed. */
  readonly open: readonly Message[];
  /** Ids that were sent at least once without an answer. */
  readonly inDoubt: ReadonlySet<string>;
  /** Sent, and no answer yet. */
  readonly isInFlight: boolean;
  readonly cause: unknown;
}

export function publishError(unfinished: Unfinished, why: string, retryable = true): PublishError {
  const outcome = outcomeOf(unfinished);
  const { stored, unknown, unsent } = outcome;
  return new PublishError(
    `${unfinished.messages.length} event(s) not published: ${stored.length} stored, ${unknown.length} perhaps stored, ${unsent.length} not sent. ${why}` +
      (unknown.length === 0 ? '' : ' Publish what is in doubt again with the same event ids only.'),
    outcome,
    { cause: unfinished.cause, retryable },
  );
}

/** @param sent the list that `failure` speaks of. */
export function unroutableError(
  unfinished: Unfinished,
  sent: readonly Message[],
  failure: PublishFailure,
): UnroutableError {
  const events = failure.unroutable.map(({ at, route }) => {
    const { id, type } = sent[at] as Message;
    return { eventId: id, eventType: type, route };
  });
  return new UnroutableError(events, outcomeOf(unfinished), failure);
}

function outcomeOf({ messages, open, inDoubt, isInFlight }: Unfinished): PublishOutcome {
  const unstored = new Set(open.map(({ id }) => id));
  const ids = messages.map(({ id }) => id);
  const isInDoubt = (id: string): boolean => isInFlight || inDoubt.has(id);
  return {
    stored: ids.filter((id) => !unstored.has(id)),
    unknown: ids.filter((id) => unstored.has(id) && isInDoubt(id)),
    unsent: ids.filter((id) => unstored.has(id) && !isInDoubt(id)),
  };
}
