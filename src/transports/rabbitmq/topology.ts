import type { Interest } from '../../contracts/transport.ts';
import { declaring, type Arguments } from './declaring.ts';
import type { Link } from './link.ts';
import { dlqOf, queueOf, retryQueueOf, RETRY_TIERS_MS, routingKeyOf } from './names.ts';
import { hasControlCharacters, MOST_BYTES, type RabbitSettings } from './options.ts';

/** How the queue's own limit of deliveries lies above the bus's: the broker counts what no handler has seen, too. */
const LIMIT_ABOVE = 10;

/** As eventsource-py names it, which gives it to its queues, so that both can share one. */
const deadLetterExchangeOf = (exchange: string): string => `${exchange}_dlq`;

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

  /** @throws {ConfigurationError} when it is there and of another kind, or isn't there and must not be made. */
  async declareExchange(link: Link): Promise<void> {
    await this.#declareExchange(link, this.#settings.exchangeName, this.#settings.exchangeType);
  }

  /** The group's queue and that of its dead letters. @throws {ConfigurationError} when one is there and has other arguments. */
  async declareGroup(link: Link, group: string): Promise<void> {
    const queue = this.queueOf(group);
    await this.declareDeadLetters(link, group);
    await this.#declareQueue(link, queue, this.#groupArguments(queue));
    // Otherwise each is made when the first retry needs it.
    if (!this.#isPassive || !this.#settings.defersRetries) return;
    for (const tierMs of RETRY_TIERS_MS) await this.declareRetryQueue(link, group, tierMs);
  }

  async declareDeadLetters(link: Link, group: string): Promise<void> {
    const queue = this.queueOf(group);
    const dlq = dlqOf(queue);
    const { exchangeName, dlqMessageTtlMs, dlqMaxLength, queueType } = this.#settings;
    if (queueType === 'classic')
      await this.#declareExchange(link, deadLetterExchangeOf(exchangeName), 'direct');
    // Classic: a quorum queue changes the order of what is looked at and given back, and may drop it in the end.
    const args = {
      ...(dlqMessageTtlMs === undefined ? {} : { 'x-message-ttl': dlqMessageTtlMs }),
      ...(dlqMaxLength === undefined ? {} : { 'x-max-length': dlqMaxLength }),
    };
    await this.#declareQueue(link, dlq, args);
    if (queueType !== 'classic' || this.#isPassive) return;
    await link.using((channel) => channel.bindQueue(dlq, deadLetterExchangeOf(exchangeName), queue));
  }

  /** What waits there for a time goes back to the group's queue, and to no other. */
  async declareRetryQueue(link: Link, group: string, tierMs: number): Promise<string> {
    const target = this.queueOf(group);
    const queue = retryQueueOf(target, tierMs);
    const args = {
      ...(this.#settings.queueType === 'classic' ? {} : RELIABLE),
      ...deadLettersTo('', target),
      'x-message-ttl': tierMs,
    };
    await this.#declareQueue(link, queue, args);
    return queue;
  }

  async #declareExchange(link: Link, exchange: string, type: string): Promise<void> {
    const asked = { type, durable: true };
    await declaring(link, `The exchange "${exchange}"`, asked, (channel) =>
      this.#isPassive
        ? channel.checkExchange(exchange)
        : channel.assertExchange(exchange, type, { durable: true }),
    );
  }

  async #declareQueue(link: Link, queue: string, args: Arguments): Promise<void> {
    await declaring(link, `The queue "${queue}"`, args, (channel) =>
      this.#isPassive
        ? channel.checkQueue(queue)
        : channel.assertQueue(queue, { durable: true, arguments: args }),
    );
  }

  get #isPassive(): boolean {
    return this.#settings.declare === 'passive';
  }

  /** What binds every group once, for everything that it gets, whatever it subscribes to. */
  get onlyBinding(): string | undefined {
    const { exchangeType, routingKeyPattern } = this.#settings;
    if (routingKeyPattern !== undefined) return `routingKeyPattern "${routingKeyPattern}"`;
    return exchangeType === 'fanout' ? 'exchangeType "fanout"' : undefined;
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

  #groupArguments(queue: string): Arguments {
    const { exchangeName, queueType, maxDeliveries } = this.#settings;
    // To the last one what eventsource-py asks for: RabbitMQ refuses whoever comes second and asks for anything else.
    if (queueType === 'classic') return deadLettersTo(deadLetterExchangeOf(exchangeName), queue);
    return {
      ...RELIABLE,
      ...deadLettersTo('', dlqOf(queue)),
      'x-delivery-limit': maxDeliveries + LIMIT_ABOVE,
    };
  }
}

const deadLettersTo = (exchange: string, routingKey: string): Arguments => ({
  'x-dead-letter-exchange': exchange,
  'x-dead-letter-routing-key': routingKey,
});

const RELIABLE: Arguments = {
  'x-queue-type': 'quorum',
  // Without these two the broker dead-letters at most once: what it can't store there is gone.
  'x-dead-letter-strategy': 'at-least-once',
  'x-overflow': 'reject-publish',
};
