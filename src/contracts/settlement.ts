/** How a failing handler is run again. Attempts in all = 1 + `maxRetries`. */
export interface RetryPolicy {
  /** 0 or more; 3 on brokers, 0 in memory. */
  readonly maxRetries: number;
  /** Milliseconds before the second attempt (1000); doubles for each further one. */
  readonly baseDelayMs: number;
  /** Ceiling of the doubled delay in milliseconds (60,000), before jitter. */
  readonly maxDelayMs: number;
  /** Share by which a delay varies to either side, 0 to 1 (0.1). */
  readonly jitter: number;
  /**
   * Decides by the error; undefined leaves it to the policy. A function that throws counts as `'retry'`.
   * NonRetryableError goes to the dead letters before this is asked.
   */
  readonly classify?: ((error: unknown) => Classification | undefined) | undefined;
}

export type Classification = 'retry' | 'dead-letter' | 'drop';

/** What follows for one handler after an attempt failed. */
export type AttemptDecision =
  | { readonly kind: 'retry'; readonly delayMs: number }
  | { readonly kind: 'drop' }
  | { readonly kind: 'fail'; readonly reason: HandlerFailureReason };

export type HandlerFailureReason = 'not-retryable' | 'attempts-exhausted';

/** Why a message stands among the dead letters; the first that holds, in this order. */
export type DeadLetterReason =
  | 'too-many-deliveries'
  | 'decode-failed'
  | 'not-retryable'
  | 'attempts-exhausted'
  | 'no-such-handler'
  | 'unwanted'
  | 'rejected-by-broker'
  | 'expired';

/** How one handler ended for good. */
export interface HandlerFailure {
  readonly subscription: string;
  readonly reason: HandlerFailureReason;
  readonly attempts: number;
  readonly error: unknown;
  /** Milliseconds since the epoch. */
  readonly firstFailedAt: number;
  readonly lastFailedAt: number;
}

/** The one settlement of a delivery. */
export type Settlement =
  | { readonly kind: 'ack' }
  | {
      readonly kind: 'dead-letter';
      readonly reason: DeadLetterReason;
      readonly failures: readonly HandlerFailure[];
      /** What went wrong where no handler failed, such as the DecodeError. */
      readonly error?: unknown;
    };
