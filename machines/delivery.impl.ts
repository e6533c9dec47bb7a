import { fromPromise, type AnyActorRef } from 'xstate';
import type { AttemptDecision, RetryPolicy, Settlement } from '../src/contracts/settlement.ts';
import type { Stats } from '../src/contracts/telemetry.ts';
import type { AttemptResult, Dispatch, Outcome } from './dispatch.ts';
import type { DeferredRetry, Runs } from './runs.ts';
import { backoffMs, decideAttempt, decideSettlement } from './settlement.ts';
import type { Troubles } from './troubles.ts';

/** What every delivery actor of a consumer works with. */
export interface DeliverySettings {
  /** The handler actor and policy of a subscription; undefined once it is gone. */
  readonly handlerOf: (
    subscription: string,
  ) => { readonly ref: AnyActorRef; readonly policy: RetryPolicy } | undefined;
  /** Told of every failed attempt and what follows from it. */
  readonly attemptFailed: (dispatch: Dispatch, result: AttemptResult, decision: AttemptDecision) => void;
  /** Resolves once the dead letter is stored, or, where there are none, once the loss is logged. */
  readonly storeDeadLetter: (
    dispatch: Dispatch,
    settlement: Settlement,
  ) => Promise<'dead-lettered' | 'dropped'>;
  /** Told of every attempt to store a dead letter that failed. */
  readonly storeFailed: (dispatch: Dispatch, error: unknown) => void;
  /** False where storing a dead letter settles its delivery: elsewhere it is acknowledged afterwards. */
  readonly acknowledgesDeadLetters: boolean;
  /** Stores a copy that comes back after `delayMs`, for these handlers; undefined where retries wait in this process. */
  readonly defer: ((dispatch: Dispatch, retry: DeferredRetry) => Promise<void>) | undefined;
  /** False where nobody else could take a released delivery. */
  readonly canRelease: boolean;
  readonly random: () => number;
  readonly stats: Stats;
  readonly troubles: Troubles;
}

export interface DeliveryInput {
  readonly dispatch: Dispatch;
  readonly settings: DeliverySettings;
}

export interface DeliveryContext extends DeliveryInput {
  readonly runs: Runs;
  readonly storeAttempts: number;
  readonly outcome: Outcome;
}

export type DeliveryEvent =
  | ({ readonly type: 'handled' } & AttemptResult)
  | { readonly type: 'retry.due'; readonly subscription: string }
  | { readonly type: 'retry.refused'; readonly subscription: string }
  | { readonly type: 'handler.removed'; readonly subscription: string }
  | { readonly type: 'drain' }
  | { readonly type: 'recall' }
  | { readonly type: 'abandon' };

const STORE_BACKOFF = { baseDelayMs: 100, maxDelayMs: 5000, jitter: 0.2 };

/** Name of the timer of a handler's next attempt. */
export const timerId = (subscription: string): string => `retry:${subscription}`;

const settlementOf = ({ dispatch, runs }: DeliveryContext): Settlement =>
  dispatch.decided ?? decideSettlement(runs.failures);

export const actors = {
  storeDeadLetter: fromPromise<'dead-lettered' | 'dropped', DeliveryContext>(({ input }) =>
    input.settings.storeDeadLetter(input.dispatch, settlementOf(input)),
  ),
  defer: fromPromise<void, DeliveryContext>(async ({ input: { dispatch, runs, settings } }) =>
    settings.defer?.(dispatch, runs.deferral),
  ),
  release: fromPromise<void, DeliveryContext>(async ({ input }) => input.dispatch.delivery?.release()),
};

interface Scope {
  readonly context: DeliveryContext;
}

export const guards = {
  isDecided: ({ context }: Scope) => context.dispatch.decided !== undefined,
  hasRunning: ({ context }: Scope) => context.dispatch.pending > 0 || context.runs.hasRunning,
  hasWaiting: ({ context }: Scope) => context.runs.hasWaiting,
  isDeferrable: ({ context }: Scope) => context.runs.isDeferrable,
  mustAcknowledge: ({ context, event }: Scope & { readonly event: unknown }) =>
    context.settings.acknowledgesDeadLetters && (event as { output: unknown }).output === 'dead-lettered',
  hasFailed: ({ context }: Scope) => context.runs.failures.length > 0,
  canRelease: ({ context }: Scope) => context.settings.canRelease,
  mustRelease: ({ context }: Scope) => context.settings.canRelease && context.runs.hasWaiting,
};

export const delays = {
  storeBackoff: ({ context }: Scope) =>
    backoffMs(context.storeAttempts, STORE_BACKOFF, context.settings.random),
};

/** Orders the next attempt of a handler that waits for one. */
export function runAgain({ dispatch, runs, settings }: DeliveryContext, subscription: string): void {
  const handler = settings.handlerOf(subscription);
  if (handler === undefined) {
    runs.cancel(subscription);
    settings.troubles.retryEnded(subscription);
    return;
  }
  const attempt = runs.begin(subscription);
  if (attempt === undefined) return;
  settings.troubles.retryEnded(subscription);
  dispatch.delivery?.stirred?.(0);
  dispatch.home.retry({ type: 'deliver', dispatch, attempt, subscription, handler: handler.ref });
}

/** Takes in how an attempt ended and decides what follows for its handler. */
export function note(
  { dispatch, runs, settings }: DeliveryContext,
  result: AttemptResult,
  mayRetry: boolean,
): AttemptDecision | undefined {
  const handler = settings.handlerOf(result.subscription);
  const decision = runs.note(
    result,
    (error, attempt) => {
      // Unsubscribed while it ran: nobody is left to run another attempt.
      if (handler === undefined) return { kind: 'drop' };
      return decideAttempt(
        error,
        attempt,
        mayRetry ? handler.policy : { ...handler.policy, maxRetries: 0 },
        settings.random,
      );
    },
    mayRetry && settings.defer !== undefined,
  );
  if (decision !== undefined) settings.attemptFailed(dispatch, result, decision);
  dispatch.delivery?.stirred?.(decision?.kind === 'retry' ? decision.delayMs : 0);
  if (decision?.kind === 'retry') settings.troubles.retryBegun(result.subscription);
  if (decision?.kind === 'drop') settings.stats.dropped++;
  return decision;
}

/** Nothing follows for the handlers that wait. */
export function endRetries(
  { runs, settings }: Pick<DeliveryContext, 'runs' | 'settings'>,
  subscriptions = runs.waiting,
): void {
  for (const subscription of subscriptions) settings.troubles.retryEnded(subscription);
}

export function endDeferred({ dispatch, runs, settings }: DeliveryContext): void {
  settings.stats.retries += runs.waiting.length;
  endRetries({ runs, settings });
  dispatch.home.ended(dispatch, 'acked');
}

export function end({ dispatch }: DeliveryContext, outcome: Outcome): void {
  dispatch.home.ended(dispatch, outcome);
}

const failedSubscriptions = ({ dispatch, runs }: DeliveryContext): readonly string[] =>
  dispatch.decided === undefined ? runs.failures.map((failure) => failure.subscription) : [];

/** What others are told of its troubles. */
export const tells = {
  tellDeferFailing: ({ context }: Scope) => context.settings.troubles.storeFailingBegun('deferFailing'),
  tellDeferAgain: ({ context }: Scope) => context.settings.troubles.storeFailingEnded('deferFailing'),
  tellDeadLettering: ({ context }: Scope) =>
    context.settings.troubles.deadLetteringBegun(failedSubscriptions(context)),
  tellDeadLettered: ({ context }: Scope) =>
    context.settings.troubles.deadLetteringEnded(failedSubscriptions(context)),
  tellLetterFailing: ({ context }: Scope) => context.settings.troubles.storeFailingBegun('deadLetterFailing'),
  tellLetterAgain: ({ context }: Scope) => context.settings.troubles.storeFailingEnded('deadLetterFailing'),
};
