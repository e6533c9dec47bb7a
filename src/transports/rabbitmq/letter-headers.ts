import type { Headers } from '../../contracts/message.ts';
import { brokerReason } from './broker-deaths.ts';
import type { RabbitMessage } from './rabbit-message.ts';

/**
 * The headers of whatever stands among the dead letters of a group: stored by us, by RabbitMQ itself or by eventsource-py
 * (`x-dlq-…`), of which only we name the group. Whoever else names one means something else by it.
 */
export function letterHeaders(message: RabbitMessage, group: string, queue: string): Headers {
  const isNeighbours = message.headers['x-dlq-timestamp'] !== undefined;
  // What RabbitMQ tells of a neighbour's letter is from before.
  const missing = isNeighbours ? { 'x-original-position': message.id } : brokerReason(message, group, queue);
  return { ...missing, ...message.headers, 'x-group': group };
}

/** Orders letters by when they failed, and tells them apart. */
export function letterPosition(headers: Headers, id: string): string {
  const failedAt = headers['x-last-failure-at'] ?? utcOf(headers['x-dlq-timestamp']);
  return `${failedAt}~${headers['x-dead-letter-id'] ?? id}`;
}

/** As we write times, which are compared as texts. */
function utcOf(time: string | undefined): string {
  const milliseconds = Date.parse(time ?? '');
  return Number.isNaN(milliseconds) ? '' : new Date(milliseconds).toISOString();
}
