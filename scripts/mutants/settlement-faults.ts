import { faultsOf, type Fault } from './fault.ts';
import { ENDS, FLOW, LANES, LETTERS, RETRY, SHUTDOWN, STRUCTURES, TWO_STEP } from './tests.ts';

const policy = faultsOf('machines/settlement.ts', STRUCTURES, RETRY);
const chart = faultsOf('machines/delivery.ts', TWO_STEP, RETRY, SHUTDOWN, LANES);
const delivery = faultsOf('machines/delivery.impl.ts', TWO_STEP, RETRY, SHUTDOWN, LANES);
const runs = faultsOf('machines/runs.ts', STRUCTURES, TWO_STEP, RETRY);
const dispatch = faultsOf('machines/dispatch.ts', ENDS, FLOW, RETRY, LANES);
const handler = faultsOf('machines/handler-flow.ts', ENDS, RETRY, SHUTDOWN);
const running = faultsOf('machines/running-attempts.ts', RETRY);
const letter = faultsOf('src/dead-letters/dead-letter.ts', LETTERS);
const admin = faultsOf('src/dead-letters/admin.ts', LETTERS);
const storing = faultsOf('src/bus/dead-lettering.ts', TWO_STEP, LETTERS);

/** In what becomes of one delivery. */
export const settlementFaults: readonly Fault[] = [
  policy('one attempt too few', 'attempt <= policy.maxRetries', 'attempt < policy.maxRetries'),
  policy('one attempt too many', 'attempt <= policy.maxRetries', 'attempt <= policy.maxRetries + 1'),
  policy('the backoff does not grow', '2 ** Math.min(attempt - 1, 52)', '1'),
  policy('the backoff is doubled before the first retry', 'attempt - 1, 52', 'attempt, 52'),
  policy('the backoff has no ceiling', 'Math.min(grown, policy.maxDelayMs)', 'grown'),
  policy('jitter goes one way only', '(2 * random() - 1)', 'random()'),
  policy('what must not be retried is retried', "=== 'NON_RETRYABLE'", "=== 'NEVER'"),
  policy(
    'classify may not drop',
    "case 'drop':\n      return { kind: 'drop' };",
    "case 'drop':\n      return { kind: 'fail', reason: 'not-retryable' };",
  ),
  policy(
    'a failed delivery is acknowledged',
    'if (failures.length === 0) return',
    'if (failures.length <= 1) return',
  ),
  policy(
    'the wrong reason goes first',
    "['not-retryable', 'attempts-exhausted']",
    "['attempts-exhausted', 'not-retryable']",
  ),
  chart(
    'acknowledged before the dead letter is stored',
    "entry: 'tellDeadLettering',",
    "entry: ['tellDeadLettering', 'acknowledge'],",
  ),
  chart(
    'a dead letter that is not stored counts as stored',
    "onError: { target: 'waiting', actions: 'noteStoreFailed' },\n          },\n        },\n        waiting: {\n          description: 'The broker did not take it; waits before the next try.',\n          tags: ['degraded'],\n          entry: 'tellLetterFailing'",
    "onError: '#delivery.deadLettered',\n          },\n        },\n        waiting: {\n          description: 'The broker did not take it; waits before the next try.',\n          tags: ['degraded'],\n          entry: 'tellLetterFailing'",
  ),
  chart(
    'stored and never acknowledged',
    "actions: ['noteStored', 'acknowledge'],",
    "actions: ['noteStored'],",
  ),
  chart(
    'a copy that is not stored counts as deferred',
    "onDone: '#delivery.deferred',\n            onError: { target: 'waiting', actions: 'noteStoreFailed' },",
    "onDone: '#delivery.deferred',\n            onError: '#delivery.deferred',",
  ),
  chart(
    'dead-lettered while another handler still waits',
    "{ guard: 'hasWaiting', target: 'retrying' },\n        { guard: 'hasFailed', target: 'deadLettering' },",
    "{ guard: 'hasFailed', target: 'deadLettering' },\n        { guard: 'hasWaiting', target: 'retrying' },",
  ),
  chart(
    'acknowledged although a handler has failed',
    "        { guard: 'hasWaiting', target: 'retrying' },\n        { guard: 'hasFailed', target: 'deadLettering' },",
    "        { guard: 'hasWaiting', target: 'retrying' },",
  ),
  chart(
    'a drain runs what it should release',
    "          { guard: 'canRelease', target: 'releasing' },\n",
    '',
  ),
  chart(
    'a drain forgets to release what waits',
    "        { guard: 'mustRelease', target: 'releasing' },\n",
    '',
    ENDS,
  ),
  chart('a release that fails counts as released', "onError: 'abandoned',", "onError: 'released',", ENDS),
  chart('a retry that was refused a slot is lost', "        'retry.refused': { actions: 'putBack' },\n", ''),
  chart('a delivery that is lost goes on', "  on: { abandon: '.abandoned' },\n", '  on: { abandon: {} },\n'),
  chart(
    'a removed handler keeps its delivery waiting',
    "'handler.removed': { target: 'handling', actions: 'cancelRetry' },",
    "'handler.removed': {},",
  ),
  delivery(
    'a handler that is gone is retried',
    "if (handler === undefined) return { kind: 'drop' };",
    "if (handler === undefined) return { kind: 'retry', delayMs: 1 };",
    ENDS,
  ),
  delivery('a drain lets handlers retry', '{ ...handler.policy, maxRetries: 0 }', 'handler.policy'),
  delivery(
    'a dropped delivery is acknowledged as stored',
    "context.settings.acknowledgesDeadLetters && (event as { output: unknown }).output === 'dead-lettered'",
    'context.settings.acknowledgesDeadLetters',
  ),
  delivery(
    'an attempt that runs does not count',
    'context.dispatch.pending > 0 || context.runs.hasRunning',
    'context.runs.hasRunning',
  ),
  delivery(
    'what is deferred is never acknowledged',
    "dispatch.home.ended(dispatch, 'acked');",
    "dispatch.home.ended(dispatch, 'released');",
  ),
  runs('the attempt keeps its number', 'return run.attempt + 1;', 'return run.attempt;'),
  runs(
    'an attempt that was put back is lost',
    "if (run?.state === 'running') run.state = 'waiting';",
    '',
    LANES,
  ),
  runs(
    'the first failure is forgotten',
    'this.#runs.get(subscription)?.firstFailedAt ?? failure.at',
    'failure.at',
  ),
  runs(
    'handlers that wait at the broker lose one that failed for good',
    "if (!this.#has(({ state }) => state === 'failed')) return [];",
    'return [];',
  ),
  runs(
    'the retry at the broker comes too early',
    'delayMs: Math.max(...runs',
    'delayMs: 0 * Math.max(...runs',
  ),
  dispatch(
    'a success after a failure is not reported',
    'if (this.early !== undefined && !this.isOver) this.#report({ subscription, attempt });',
    '',
  ),
  dispatch(
    'what fails when it is over is in trouble again',
    '    if (!this.isOver) {\n      const isFirst',
    '    {\n      const isFirst',
  ),
  dispatch(
    'acknowledged when the first of its handlers has ended',
    'if (attempt === this.attempt && this.pending > 0) return;',
    '',
  ),
  dispatch(
    'a failure that comes before its delivery actor is lost',
    'if (this.actor === undefined) this.early?.push(result);',
    'if (this.actor === undefined) return;',
  ),
  handler(
    'what is over is handled all the same',
    'if (dispatch.isOver) return this.refuse(order);',
    '',
    ENDS,
  ),
  handler('an attempt that was written off counts again', '    if (attempt.isOver) return;\n', ''),
  handler(
    'a handler that times out and returns has succeeded',
    'attempt.isExpired ? this.#input.timeoutError(this.#input.subscription, this.#input.timeoutMs) : error,',
    'error,',
  ),
  handler(
    'a timeout aborts nothing',
    'attempt.abort(input.timeoutError(input.subscription, input.timeoutMs))',
    'void attempt',
  ),
  handler(
    'what a paused handler holds is lost when it resumes',
    'for (const order of this.#held.splice(0)) this.run(order);',
    'this.#held.splice(0);',
  ),
  handler(
    'a sync throw is a success',
    '      this.#failed(attempt, error);\n      return;',
    '      this.#succeeded(attempt);\n      return;',
  ),
  running(
    'no attempt is ever written off',
    'attempt.startedAt + this.#graceSweeps <= expiry && !attempt.isOver',
    'false',
  ),
  running(
    'the grace time is not waited for',
    'attempt.startedAt + this.#graceSweeps <= expiry',
    'attempt.startedAt <= expiry',
  ),
  running(
    'an attempt times out a sweep early',
    'this.#sweep - SWEEPS_PER_TIMEOUT - 1',
    'this.#sweep - SWEEPS_PER_TIMEOUT + 1',
  ),
  letter(
    'a replay does not count',
    "headers['x-replay-count'] ?? 0) + 1",
    "headers['x-replay-count'] ?? 0) + 0",
  ),
  letter(
    'a replay goes to every handler',
    "if (targets !== undefined) result['x-target-handlers'] = targetList(targets);",
    '',
  ),
  admin('a filter by reason lets all through', 'letter.reason === filter.reason', 'true'),
  admin('a dry run replays', 'if (dryRun) continue;', '', 'test/unit/machines/late-results.test.ts', LETTERS),
  storing(
    'a dead letter is not waited for',
    'if (delivery !== undefined) await delivery.deadLetter(record);',
    'if (delivery !== undefined) void delivery.deadLetter(record).catch(() => undefined);',
  ),
  storing('a dropped event is a dead letter', 'if (!settings.enableDlq) {', 'if (false as boolean) {'),
];
