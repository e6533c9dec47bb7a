import { createHash } from 'node:crypto';
import type { Headers } from '../contracts/message.ts';
import type { DeadLetterReason, HandlerFailure, Settlement } from '../contracts/settlement.ts';
import type { StoredDeadLetter } from '../contracts/transport.ts';
import { inOurNames } from './eventsource-py.ts';

/** A message that was given up on, with the original byte for byte and why. */
export interface DeadLetter {
  /** 22 characters; the same message dead-lettered twice at the same place has the same id. */
  readonly id: string;
  /** Pass it as `after` to list what follows. */
  readonly cursor: string;
  readonly eventId: string;
  readonly eventType: string;
  readonly aggregateId: string;
  /** The original body. */
  readonly body: Uint8Array;
  /** The original headers, without those that dead-lettering and replay add. */
  readonly headers: Headers;
  readonly reason: DeadLetterReason;
  /** The error of the first failed handler, or what went wrong where none ran; the stack has 8 KiB at most. */
  readonly error: { readonly name: string; readonly message: string; readonly stack?: string };
  readonly failedHandlers: readonly FailedHandler[];
  /** Most attempts of one of them; 0 where none ran. */
  readonly attempts: number;
  readonly group: string;
  /**
   * Where the message was when it failed for the first time; of what eventsource-py dead-lettered on RabbitMQ, the routing
   * key that it came by.
   */
  readonly destination: string;
  readonly position: string;
  readonly firstFailedAt: Date;
  readonly lastFailedAt: Date;
  /** How often it has been replayed before. */
  readonly replayCount: number;
}

export interface FailedHandler {
  readonly name: string;
  readonly reason: DeadLetterReason;
  readonly attempts: number;
  readonly error: string;
}

const MESSAGE_BYTES = 1024;
const STACK_BYTES = 8192;

/** Headers that dead-lettering and replay add; everything else is the user's. */
const OURS = new Set([
  'x-dead-letter-id',
  'x-failure-reason',
  'x-exception-type',
  'x-exception-message',
  'x-exception-stack',
  'x-failed-handlers',
  'x-attempt',
  'x-first-failure-at',
  'x-last-failure-at',
  'x-original-destination',
  'x-original-position',
  'x-original-traceparent',
  'x-group',
  'x-consumer',
  'x-replay-count',
  'x-target-handlers',
]);

export interface DeadLetterFacts {
  readonly settlement: Extract<Settlement, { kind: 'dead-letter' }>;
  /** Of the message as it was delivered. */
  readonly headers: Headers;
  readonly group: string;
  readonly consumer: string;
  readonly destination: string;
  readonly position: string;
  /** Milliseconds since the epoch. */
  readonly now: number;
}

/** What is stored beside the original; the names are the same on every broker. */
export function deadLetterHeaders(facts: DeadLetterFacts): Record<string, string> {
  const { settlement, headers, group, now } = facts;
  const { failures } = settlement;
  const destination = headers['x-original-destination'] ?? facts.destination;
  const position = headers['x-original-position'] ?? facts.position;
  const replayCount = headers['x-replay-count'] ?? '0';
  const cause = describe(failures[0]?.error ?? settlement.error, settlement.reason);
  const result: Record<string, string> = {
    'x-dead-letter-id': deadLetterId([group, destination, position, replayCount]),
    'x-failure-reason': settlement.reason,
    'x-exception-type': cause.name,
    'x-exception-message': cut(cause.message, MESSAGE_BYTES),
    'x-failed-handlers': JSON.stringify(failures.map(toFailedHandler)),
    'x-attempt': String(Math.max(0, ...failures.map((failure) => failure.attempts))),
    'x-first-failure-at':
      headers['x-first-failure-at'] ??
      isoTime(
        failures.map((failure) => failure.firstFailedAt),
        Math.min,
        now,
      ),
    'x-last-failure-at': isoTime(
      failures.map((failure) => failure.lastFailedAt),
      Math.max,
      now,
    ),
    'x-original-destination': destination,
    'x-original-position': position,
    'x-group': group,
    'x-consumer': facts.consumer,
    'x-replay-count': replayCount,
  };
  if (cause.stack !== undefined) result['x-exception-stack'] = cut(cause.stack, STACK_BYTES);
  return result;
}

/** Headers of a replayed message: the user's, where it came from, and whom it is for. */
export function replayHeaders(
  { message }: StoredDeadLetter,
  targets: readonly string[] | undefined,
): Record<string, string> {
  const headers = inOurNames(message.headers);
  const result: Record<string, string> = userHeaders(headers);
  for (const name of ['x-original-destination', 'x-original-position']) {
    const value = headers[name];
    if (value !== undefined) result[name] = value;
  }
  // Whoever replays may put a trace of its own in the place of the first.
  const trace = headers['x-original-traceparent'] ?? headers['traceparent'];
  if (trace !== undefined) result['x-original-traceparent'] = trace;
  result['x-replay-count'] = String(Number(headers['x-replay-count'] ?? 0) + 1);
  if (targets !== undefined) result['x-target-handlers'] = targetList(targets);
  return result;
}

/** Headers of a message whose next attempt waits at the broker. */
export function deferredHeaders(
  headers: Headers,
  retry: {
    readonly attempt: number;
    readonly subscriptions: readonly string[];
    readonly firstFailedAt: number;
  },
): Record<string, string> {
  return {
    'x-first-failure-at': new Date(retry.firstFailedAt).toISOString(),
    ...headers,
    'x-attempt': String(retry.attempt),
    'x-target-handlers': targetList(retry.subscriptions),
  };
}

const targetList = (names: readonly string[]): string => names.map(encodeURIComponent).join(',');

/** Reads a stored record, also one of eventsource-py's; what it leaves out gets the emptiest value of its kind. */
export function readDeadLetter({ position: cursor, message }: StoredDeadLetter): DeadLetter {
  const headers = inOurNames(message.headers);
  const stack = headers['x-exception-stack'];
  return {
    id: headers['x-dead-letter-id'] ?? deadLetterId([headers['x-group'] ?? '', cursor]),
    cursor,
    eventId: message.id,
    eventType: message.type,
    aggregateId: message.key,
    body: message.body,
    headers: userHeaders(headers),
    reason: (headers['x-failure-reason'] as DeadLetterReason | undefined) ?? 'attempts-exhausted',
    error: {
      name: headers['x-exception-type'] ?? 'Error',
      message: headers['x-exception-message'] ?? '',
      ...(stack === undefined ? {} : { stack }),
    },
    failedHandlers: failedHandlers(headers),
    attempts: countOf(headers['x-attempt']),
    group: headers['x-group'] ?? '',
    destination: headers['x-original-destination'] ?? '',
    position: headers['x-original-position'] ?? '',
    firstFailedAt: timeOf(headers['x-first-failure-at']),
    lastFailedAt: timeOf(headers['x-last-failure-at']),
    replayCount: countOf(headers['x-replay-count']),
  };
}

// Anybody may have written them.
const countOf = (text: string | undefined): number => Number(text) || 0;
const timeOf = (text: string | undefined): Date => new Date(Date.parse(text ?? '') || 0);

function failedHandlers(headers: Headers): readonly FailedHandler[] {
  try {
    return JSON.parse(headers['x-failed-handlers'] ?? '[]') as FailedHandler[];
  } catch {
    return [];
  }
}

const toFailedHandler = ({ subscription, reason, attempts, error }: HandlerFailure): FailedHandler => ({
  name: subscription,
  reason,
  attempts,
  error: cut(describe(error, reason).message, 256),
});

function userHeaders(headers: Headers): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => !OURS.has(name)));
}

/** Anything can be thrown: a null, an object that refuses to become a string, one whose getters throw. */
function describe(error: unknown, reason: string): { name: string; message: string; stack?: string } {
  if (error === undefined) return { name: 'Error', message: reason };
  try {
    if (!(error instanceof Error)) return { name: typeof error, message: textOf(error) };
    // What they are typed as is only a habit.
    const { name, message, stack } = error as Record<'name' | 'message' | 'stack', unknown>;
    const texts = { name: String(name), message: String(message) };
    return typeof stack === 'string' ? { ...texts, stack } : texts;
  } catch {
    return { name: typeof error, message: 'The thrown value has no text.' };
  }
}

function textOf(thrown: unknown): string {
  const { message } = Object(thrown) as { readonly message?: unknown };
  // eslint-disable-next-line typescript/no-base-to-string -- better than nothing
  return typeof message === 'string' ? message : String(thrown);
}

function cut(text: string, bytes: number): string {
  const encoded = Buffer.from(text, 'utf8');
  if (encoded.length <= bytes) return text;
  // A character cut in two would read as U+FFFD.
  return encoded
    .subarray(0, bytes)
    .toString('utf8')
    .replace(/\uFFFD+$/, '');
}

const isoTime = (times: readonly number[], pick: (...times: number[]) => number, now: number): string =>
  new Date(times.length === 0 ? now : pick(...times)).toISOString();

const deadLetterId = (parts: readonly string[]): string =>
  createHash('sha256').update(JSON.stringify(parts)).digest('base64url').slice(0, 22);
