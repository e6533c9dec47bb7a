import type {
  AttemptDecision,
  Classification,
  DeadLetterReason,
  HandlerFailure,
  RetryPolicy,
  Settlement,
} from '../src/contracts/settlement.ts';

/** Milliseconds before the attempt that follows number `attempt` (from 1); jitter may exceed the ceiling by its share. */
export function backoffMs(
  attempt: number,
  policy: Pick<RetryPolicy, 'baseDelayMs' | 'maxDelayMs' | 'jitter'>,
  random: () => number,
): number {
  // Beyond 2^52 the product is no longer exact, and long past any ceiling.
  const grown = policy.baseDelayMs * 2 ** Math.min(attempt - 1, 52);
  const capped = Math.min(grown, policy.maxDelayMs);
  return Math.max(0, Math.round(capped * (1 + policy.jitter * (2 * random() - 1))));
}

/** What follows for one handler after its attempt number `attempt` (from 1) failed with `error`. */
export function decideAttempt(
  error: unknown,
  attempt: number,
  policy: RetryPolicy,
  random: () => number,
): AttemptDecision {
  switch (classification(error, policy)) {
    case 'drop':
      return { kind: 'drop' };
    case 'dead-letter':
      return { kind: 'fail', reason: 'not-retryable' };
    case 'retry':
      return attempt <= policy.maxRetries
        ? { kind: 'retry', delayMs: backoffMs(attempt, policy, random) }
        : { kind: 'fail', reason: 'attempts-exhausted' };
  }
}

function classification(error: unknown, policy: RetryPolicy): Classification {
  // Anything can be thrown, an object whose getters throw included.
  try {
    // By code, not by class: two copies of the package in one process must agree.
    if ((error as { code?: unknown } | null | undefined)?.code === 'NON_RETRYABLE') return 'dead-letter';
    const chosen: unknown = policy.classify?.(error);
    ignoreRejection(chosen);
    return chosen === 'drop' || chosen === 'dead-letter' ? chosen : 'retry';
  } catch {
    return 'retry';
  }
}

/** `classify` is sync by its type: what an async one rejects with must not end the process. */
function ignoreRejection(value: unknown): void {
  if (value instanceof Promise) value.catch(() => undefined);
}

const PRECEDENCE: readonly DeadLetterReason[] = ['not-retryable', 'attempts-exhausted'];

/** The one settlement of a delivery whose handlers have all ended. */
export function decideSettlement(failures: readonly HandlerFailure[]): Settlement {
  if (failures.length === 0) return { kind: 'ack' };
  const reason = PRECEDENCE.find((candidate) => failures.some((failure) => failure.reason === candidate));
  return { kind: 'dead-letter', reason: reason ?? 'attempts-exhausted', failures };
}
