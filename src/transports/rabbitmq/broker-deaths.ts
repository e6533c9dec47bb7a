import type { DeadLetterReason } from '../../contracts/settlement.ts';
import type { Headers } from '../../contracts/message.ts';
import type { RabbitMessage } from './rabbit-message.ts';

/** Reasons as RabbitMQ 3.8 and newer write them. */
const REASONS: Readonly<Record<string, DeadLetterReason>> = {
  rejected: 'rejected-by-broker',
  maxlen: 'rejected-by-broker',
  expired: 'expired',
  delivery_limit: 'too-many-deliveries',
};

/** What our own header names would say of a message that the broker dead-lettered by itself; nothing of any other. */
export function brokerReason(message: RabbitMessage, group: string, queue: string): Headers {
  const death = deathIn(message, queue);
  const reason = death?.['reason'];
  if (typeof reason !== 'string' || message.headers['x-failure-reason'] !== undefined) return {};
  const time = death?.['time'] as { readonly value?: unknown } | undefined;
  const at = new Date(Number(time?.value ?? 0) * 1000).toISOString();
  return {
    'x-failure-reason': REASONS[reason] ?? 'rejected-by-broker',
    'x-exception-type': 'Error',
    'x-exception-message': `RabbitMQ dead-lettered it itself: ${reason}`,
    'x-group': group,
    'x-original-destination': queue,
    'x-original-position': message.id,
    'x-first-failure-at': at,
    'x-last-failure-at': at,
  };
}

/** A message that waited for a retry has died in the queue it waited in, too: that one doesn't count. */
function deathIn(message: RabbitMessage, queue: string): Readonly<Record<string, unknown>> | undefined {
  const deaths = message.raw('x-death');
  if (!Array.isArray(deaths)) return undefined;
  return (deaths as readonly Readonly<Record<string, unknown>>[]).find((death) => death['queue'] === queue);
}
