import type { Channel, Options } from 'amqplib';

/** As eventsource-py names and declares it, in its order. */
export interface TheirGroup {
  readonly exchange: string;
  readonly group: string;
  /** Its `dlq_message_ttl` and `dlq_max_length`. */
  readonly dlqArguments?: Readonly<Record<string, number>>;
}

export const theirDeadLetterExchange = (exchange: string): string => `${exchange}_dlq`;

/** Rejects when anything of it is there and was declared otherwise. */
export async function declareTheirs(
  channel: Channel,
  { exchange, group, dlqArguments }: TheirGroup,
): Promise<void> {
  const queue = `${exchange}.${group}`;
  const deadLetters = theirDeadLetterExchange(exchange);
  await channel.assertExchange(deadLetters, 'direct', { durable: true, autoDelete: false });
  await channel.assertQueue(`${queue}.dlq`, {
    durable: true,
    autoDelete: false,
    ...(dlqArguments && { arguments: dlqArguments }),
  });
  await channel.bindQueue(`${queue}.dlq`, deadLetters, queue);
  await channel.assertExchange(exchange, 'topic', { durable: true, autoDelete: false });
  await channel.assertQueue(queue, {
    durable: true,
    autoDelete: false,
    arguments: { 'x-dead-letter-exchange': deadLetters, 'x-dead-letter-routing-key': queue },
  });
  await channel.bindQueue(queue, exchange, '#');
}

/** Stores a dead letter as it does once its retries are at an end. */
export function deadLetterAsTheirs(
  channel: Channel,
  { exchange, group }: TheirGroup,
  letter: {
    readonly body: string;
    readonly properties: Options.Publish;
    readonly error?: string;
    at?: string;
  },
): void {
  // It leaves out the time, which belongs to what is published.
  const { timestamp: _, headers, ...properties } = letter.properties;
  const { event_type: type, aggregate_type: aggregate } = headers as Record<string, string>;
  channel.publish(theirDeadLetterExchange(exchange), `${exchange}.${group}`, Buffer.from(letter.body), {
    ...properties,
    persistent: true,
    headers: {
      ...(headers as object),
      'x-retry-count': 3,
      'x-last-retry-at': '2026-01-02T03:04:59.000001+00:00',
      'x-dlq-reason': letter.error ?? 'no stock',
      'x-dlq-error-type': 'ValueError',
      'x-dlq-retry-count': 3,
      'x-dlq-timestamp': letter.at ?? '2026-01-02T03:05:00.123456+00:00',
      'x-original-routing-key': `${aggregate}.${type}`,
    },
  });
}
