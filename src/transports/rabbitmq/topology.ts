import type { Interest } from '../../contracts/transport.ts';
import { ConfigurationError } from '../../errors.ts';
import type { Link } from './link.ts';
import { dlqOf, queueOf, retryQueueOf, RETRY_TIERS_MS, routingKeyOf } from './names.ts';
import { hasControlCharacters, MOST_BYTES, type RabbitSettings } from './options.ts';
import { asError, isMismatch } from './server-errors.ts';

type Arguments = Readonly<Record<string, unknown>>;

/** How the queue's own limit of deliveries lies above the bus's: the broker counts what no handler has seen, too. */
const LIMIT_ABOVE = 10;

/** What `consumerName` is made unique by. */
const SUFFIX_BYTES = 9;

export interface GivenNames {
  readonly exchangeName: string;
  readonly consumerGroup?: string | undefined;
  readonly consumerName?: string | undefined;
}

/** Why no queue or consumer can be called so, by option: RabbitMQ tells only when it is asked, or never. */
export function* nameProblems({
  exchangeName,
  consumerGroup,
  consumerName = '',
}: GivenNames): Generator<[option: string, problem: string]> {
  if (Buffer.byteLength(consumerName) + SUFFIX_BYTES > MOST_BYTES)
    yield ['consumerName', `must have at most ${MOST_BYTES - SUFFIX_BYTES} bytes`];
  if (consumerGroup === undefined) return;
  if (hasControlCharacters(consumerGroup)) yield ['consumerGroup', 'must have no control characters'];
  const longest = retryQueueOf(queueOf(exchangeName, consumerGroup), Math.max(...RETRY_TIERS_MS));
  const excess = Buffer.byteLength(longest) - MOST_BYTES;
  if (excess > 0)
    yield [
      'consumerGroup',
      `is ${excess} bytes too long together with exchangeName for the names of its queues`,
    ];
  if (exchangeName.startsWith('amq.'))
    yield [
      'exchangeName',
      'must not begin with "amq." where there is a consumerGroup, whose queue is called after it',
    ];
}

/** One way from the exchange to a group's queue. */
export interface Binding {
  readonly routingKey: string;
  readonly args: Arguments;
}

/** Exchange, queues and bindings of one bus: what they are called, and how they are declared. */
export class Topology {
  readonly #settings: RabbitSettings;

  constructor(settings: RabbitSettings) {
    this.#settings = settings;
  }

  queueOf(group: string): string {
    return queueOf(this.#settings.exchangeName, group);
  }

  /** @throws {ConfigurationError} when it is there and of another kind. */
  async declareExchange(link: Link): Promise<void> {
    const { exchangeName, exchangeType } = this.#settings;
    await declaring(
      link,
      `The exchange "${exchangeName}"`,
      { type: exchangeType, durable: true },
      (channel) => channel.assertExchange(exchangeName, exchangeType, { durable: true }),
    );
  }

  /** The group's queue and that of its dead letters. @throws {ConfigurationError} when one is there and has other arguments. */
  async declareGroup(link: Link, group: string): Promise<void> {
    const queue = this.queueOf(group);
    await this.declareDeadLetters(link, group);
    const args = this.#queueArguments(dlqOf(queue));
    await declaring(link, `The queue "${queue}"`, args, (channel) =>
      channel.assertQueue(queue, { durable: true, arguments: args }),
    );
  }

  async declareDeadLetters(link: Link, group: string): Promise<void> {
    const queue = dlqOf(this.queueOf(group));
    const { dlqMessageTtlMs, dlqMaxLength } = this.#settings;
    // Classic: a quorum queue changes the order of what is looked at and given back, and may drop it in the end.
    const args = {
      ...(dlqMessageTtlMs === undefined ? {} : { 'x-message-ttl': dlqMessageTtlMs }),
      ...(dlqMaxLength === undefined ? {} : { 'x-max-length': dlqMaxLength }),
    };
    await declaring(link, `The queue "${queue}"`, args, (channel) =>
      channel.assertQueue(queue, { durable: true, arguments: args }),
    );
  }

  /** What waits there for a time goes back to the group's queue, and to no other. */
  async declareRetryQueue(link: Link, group: string, tierMs: number): Promise<string> {
    const target = this.queueOf(group);
    const queue = retryQueueOf(target, tierMs);
    const args = {
      ...this.#queueArguments(target),
      'x-message-ttl': tierMs,
    } as Record<string, unknown>;
    delete args['x-delivery-limit'];
    await declaring(link, `The queue "${queue}"`, args, (channel) =>
      channel.assertQueue(queue, { durable: true, arguments: args }),
    );
    return queue;
  }

  bindingsOf({ isEverything, types }: Interest): Binding[] {
    const { exchangeType, routingKeyPattern } = this.#settings;
    if (routingKeyPattern !== undefined) return [{ routingKey: routingKeyPattern, args: {} }];
    switch (exchangeType) {
      case 'fanout':
        return [{ routingKey: '', args: {} }];
      case 'topic':
        if (isEverything) return [{ routingKey: '#', args: {} }];
        break;
      case 'headers':
        if (isEverything) return [{ routingKey: '', args: { 'x-match': 'all' } }];
        return types.map(({ type, aggregateType }) => ({
          routingKey: '',
          args: { 'x-match': 'all', event_type: type, aggregate_type: aggregateType },
        }));
      case 'direct':
    }
    return types.map(({ type, aggregateType }) => ({
      routingKey: routingKeyOf(aggregateType, type),
      args: {},
    }));
  }

  #queueArguments(deadLetterQueue: string): Arguments {
    const deadLetters = { 'x-dead-letter-exchange': '', 'x-dead-letter-routing-key': deadLetterQueue };
    if (this.#settings.queueType === 'classic') return deadLetters;
    return {
      ...deadLetters,
      'x-queue-type': 'quorum',
      'x-delivery-limit': this.#settings.maxDeliveries + LIMIT_ABOVE,
      // Without these two the broker dead-letters at most once: what it can't store there is gone.
      'x-dead-letter-strategy': 'at-least-once',
      'x-overflow': 'reject-publish',
    };
  }
}

/** On a channel of its own, because a refusal closes the channel. */
export async function declaring<T>(
  link: Link,
  what: string,
  asked: Arguments,
  declare: (channel: Awaited<ReturnType<Link['channel']>>) => Promise<T>,
): Promise<T> {
  const channel = await link.channel(() => undefined);
  try {
    const declared = await declare(channel);
    await channel.close();
    return declared;
  } catch (error) {
    if (!isMismatch(error)) throw error;
    throw new ConfigurationError(
      `${what} is there and was declared otherwise. Asked for: ${JSON.stringify(asked)}. RabbitMQ says: ${asError(error).message}. ` +
        'Use other options, another name, or delete it yourself once it is empty: Buschart never does.',
      error,
    );
  }
}
