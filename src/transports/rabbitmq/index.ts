import { z } from 'zod';
import { StatechartEventBus } from '../../bus/event-bus.ts';
import {
  BROKER_DEFAULTS,
  busOptionsSchema,
  busSettings,
  parseOptions,
  retrySchema,
} from '../../bus/options.ts';
import { ConfigurationError, ConnectionError } from '../../errors.ts';
import type { AnyEventDefinition } from '../../events/event-definition.ts';
import type { RabbitQueueInfo } from './connection.ts';
import { dlqOf, RETRY_TIERS_MS } from './names.ts';
import { rabbitOptionsSchema } from './options.ts';
import { nameProblems } from './topology.ts';
import { rabbitTransport, type RabbitTransport } from './transport.ts';

export type { RabbitQueueInfo } from './connection.ts';
export type { ExchangeType } from './options.ts';

const ownOptions = rabbitOptionsSchema.omit({
  connectTimeoutMs: true,
  maxDeliveries: true,
  defersRetries: true,
});
/** A longer one would be shortened to it. */
const LONGEST_RETRY_MS = Math.max(...RETRY_TIERS_MS);
const fields = busOptionsSchema.extend(ownOptions.shape).extend({
  /** As on every bus, and where a failed delivery waits for its next attempt. */
  retry: retrySchema
    .extend({
      /**
       * 'broker' puts it into a queue for 1, 5, 15, 60 or 300 seconds, whichever is the next one up, so that no process
       * holds it meanwhile; it needs `ordering: 'none'`, and a `maxDelayMs` of 300,000 at most. 'process' keeps it, and the
       * order of its key ('process').
       */
      waitIn: z.enum(['process', 'broker']).optional(),
    })
    .optional(),
});
const optionsSchema = fields.superRefine((options, context) => {
  for (const [option, message] of nameProblems(options))
    context.addIssue({ code: 'custom', path: [option], message });
  const { waitIn, maxDelayMs = 0 } = options.retry ?? {};
  if (waitIn === 'broker' && maxDelayMs > LONGEST_RETRY_MS)
    context.addIssue({
      code: 'custom',
      path: ['retry', 'maxDelayMs'],
      message: `must be at most ${LONGEST_RETRY_MS} with waitIn "broker", where no queue waits longer`,
    });
});

/** Those of every bus, plus those of RabbitMQ: `rabbitmqUrl`, `exchangeName`, `exchangeType`, `queueType` and so on. */
export type RabbitMQEventBusOptions = z.input<typeof optionsSchema>;

/**
 * A bus on RabbitMQ, 3.10 or newer, by amqplib; with classic queues 3.8 will do. Consuming needs a `consumerGroup`, whose queue is `{exchangeName}.{group}`;
 * a bus that only publishes makes no queue, and its publish rejects with UnroutableError what no queue is bound for.
 * Delivery is at least once, in order per key within one consumer.
 */
export class RabbitMQEventBus extends StatechartEventBus {
  readonly #transport: RabbitTransport;

  /** @throws {ConfigurationError} naming every wrong option; a missing driver shows when connecting. */
  constructor(options: RabbitMQEventBusOptions = {}) {
    const parsed = parseOptions(optionsSchema, options, 'RabbitMQEventBus');
    const own: Record<string, unknown> = {};
    const common: Record<string, unknown> = {};
    for (const [name, value] of Object.entries(parsed))
      (name in ownOptions.shape ? own : common)[name] = value;
    const { waitIn = 'process', ...retry } = parsed.retry ?? {};
    if (parsed.retry !== undefined) common['retry'] = retry;
    const settings = busSettings(common, BROKER_DEFAULTS);
    if (parsed.queueType === 'classic' && parsed.maxDeliveries !== undefined)
      throw new ConfigurationError(
        'maxDeliveries needs queueType "quorum": a classic queue counts no deliveries.',
      );
    if (waitIn === 'broker' && settings.ordering !== 'none')
      throw new ConfigurationError(
        'retry.waitIn "broker" needs ordering "none": what waits in another queue is overtaken by the next of its key.',
      );
    const transport = rabbitTransport({
      ...own,
      connectTimeoutMs: settings.connectTimeoutMs || 1,
      maxDeliveries: settings.maxDeliveries,
      defersRetries: waitIn === 'broker',
    });
    super(settings, {
      transport,
      capabilities: transport.capabilities,
      destination: transport.destination,
      isStoredOnceSent: false,
      canRelease: true,
      bindsTypes: true,
      longestDeferMs: waitIn === 'broker' ? LONGEST_RETRY_MS : undefined,
    });
    this.#transport = transport;
  }

  /** RabbitMQ's own numbers of this bus's group; zeros while it isn't connected. @throws {ConfigurationError} without a consumerGroup. */
  async getQueueInfo(): Promise<RabbitQueueInfo> {
    const group = this.#group();
    const info = await this.#transport.connection?.queueInfo(group);
    if (info !== undefined) return info;
    const queue = this.#transport.topology.queueOf(group);
    return { queue, deadLetterQueue: dlqOf(queue), ready: 0, unsettledHere: 0, consumers: 0, deadLetters: 0 };
  }

  /**
   * Takes the binding for a type away from this bus's group, for all its members. Bindings are never removed otherwise,
   * because another member may need them. Unsubscribe first, in all of them: whoever still subscribes to the type binds it
   * again, when nothing has come for half a minute or a connection is opened anew. `'everything'` means the binding of a
   * wildcard, and of a fanout exchange or a `routingKeyPattern` the only one there is.
   * @throws {ConfigurationError} for a type where that only binding gives the group everything.
   * @throws {ConnectionError} when the bus isn't connected.
   */
  async unbind(what: AnyEventDefinition | 'everything'): Promise<void> {
    const { connection, topology } = this.#transport;
    const isEverything = what === 'everything';
    if (!isEverything && topology.onlyBinding !== undefined)
      throw new ConfigurationError(
        `With ${topology.onlyBinding} one binding gives the group all that it gets: without it "${what.type}" would not be all that stays away. Call unbind('everything') if that is what you want.`,
      );
    if (connection === undefined)
      throw new ConnectionError('The bus is not connected. Call connect() first.');
    const types = isEverything ? [...this.settings.registry] : [what];
    await connection.unbind(this.#group(), {
      isEverything,
      types: types.map(({ type, aggregateType }) => ({ type, aggregateType })),
    });
  }

  #group(): string {
    const { consumerGroup } = this.settings;
    if (consumerGroup === undefined)
      throw new ConfigurationError('This bus has no consumerGroup, so it has no queue.');
    return consumerGroup;
  }
}
