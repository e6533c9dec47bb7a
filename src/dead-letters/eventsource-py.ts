import type { DeadLetterReason } from '../contracts/settlement.ts';
import type { Headers } from '../contracts/message.ts';

/** What only its dead letters have: on RabbitMQ, on Kafka, on Redis. */
const MARKS = ['x-dlq-timestamp', 'x-dlq-reason', 'dlq_timestamp', 'dlq_reason', 'original_message_id'];

/** What it writes beside its `x-dlq-…` and `dlq_…`, when it retries, dead-letters and replays. */
const OTHER_NAMES: ReadonlySet<string> = new Set([
  'x-original-routing-key',
  'x-replayed-from-dlq',
  'original_message_id',
  'retry_count',
  'retry_after',
]);

/** Those of its reasons, told on Kafka only, that aren't the end of its retries. */
const REASONS: Readonly<Record<string, DeadLetterReason>> = { deserialization_error: 'decode-failed' };

/**
 * The headers of a dead letter that eventsource-py stored, in our names and without its own; those of any other letter
 * as they are. A user's header may be called like one of its: in a letter of ours, or of RabbitMQ itself, it stays.
 */
export function inOurNames(headers: Headers): Headers {
  if (!isTheirs(headers)) return headers;
  const failedAt = headers['x-dlq-timestamp'] ?? headers['dlq_timestamp'];
  const reason = REASONS[headers['dlq_reason'] ?? ''] ?? 'attempts-exhausted';
  const others = Object.entries(headers).filter(([name]) => !isTheirName(name));
  return defined({
    // What the message brought with it from an earlier failure among us is kept.
    'x-first-failure-at': failedAt,
    'x-original-destination': headers['x-original-routing-key'] ?? headers['dlq_original_topic'],
    'x-original-position': headers['original_message_id'] ?? recordOf(headers),
    'x-replay-count': replaysOf(headers),
    ...Object.fromEntries(others),
    'x-group': headers['dlq_consumer_group'] ?? headers['x-group'],
    'x-failure-reason': reason,
    'x-exception-type': headers['x-dlq-error-type'] ?? headers['dlq_error_type'],
    'x-exception-message': headers['x-dlq-reason'] ?? headers['dlq_error_message'],
    'x-attempt': reason === 'decode-failed' ? '0' : attemptsOf(headers),
    'x-last-failure-at': failedAt,
  });
}

function isTheirs(headers: Headers): boolean {
  if (headers['x-dead-letter-id'] !== undefined || headers['x-failure-reason'] !== undefined) return false;
  return MARKS.some((name) => headers[name] !== undefined);
}

const isTheirName = (name: string): boolean =>
  name.startsWith('x-dlq-') || name.startsWith('dlq_') || OTHER_NAMES.has(name);

/** It counts retries, and not the first attempt. */
function attemptsOf(headers: Headers): string | undefined {
  const retries = headers['x-dlq-retry-count'] ?? headers['dlq_retry_count'] ?? headers['retry_count'];
  return isCount(retries) ? String(Number(retries) + 1) : undefined;
}

/** On RabbitMQ it leaves only the time of the last one. */
function replaysOf(headers: Headers): string | undefined {
  const replays = headers['dlq_replay_count'];
  if (isCount(replays)) return replays;
  return headers['x-replayed-from-dlq'] === undefined ? undefined : '1';
}

const isCount = (text: string | undefined): text is string => text !== undefined && /^\d+$/.test(text);

/** On Kafka, as we write it. */
function recordOf(headers: Headers): string | undefined {
  const { dlq_original_partition: partition, dlq_original_offset: offset } = headers;
  return partition === undefined || offset === undefined ? undefined : `${partition}:${offset}`;
}

const defined = (headers: Readonly<Record<string, string | undefined>>): Headers =>
  Object.fromEntries(
    Object.entries(headers).filter((entry): entry is [string, string] => entry[1] !== undefined),
  );
