import { z } from 'zod';
import { StatechartEventBus } from '../../bus/event-bus.ts';
import { BROKER_DEFAULTS, busOptionsSchema, busSettings, parseOptions } from '../../bus/options.ts';
import { ConfigurationError } from '../../errors.ts';
import { deadLetterTopicOf, replayTopicOf, TOPIC_NAME } from './names.ts';
import { kafkaOptionsSchema } from './options.ts';
import type { KafkaTopicInfo } from './topic-info.ts';
import { kafkaTransport, type KafkaTransport } from './transport.ts';

export type { CompressionType, KafkaAddress } from './options.ts';
export type { KafkaPartitionInfo, KafkaTopicInfo } from './topic-info.ts';

const ownOptions = kafkaOptionsSchema.omit({ connectTimeoutMs: true });
const optionsSchema = busOptionsSchema.extend({
  ...ownOptions.shape,
  /** Measures under the names of eventsource-py too: `kafka.eventbus.…`, see docs/metrics.md (false). */
  eventsourceMetrics: z.boolean().optional(),
});

/** Those of every bus but `maxDeliveries`, plus those of Kafka: `bootstrapServers`, `topicPrefix`, `acks`, `compressionType` and so on. */
export type KafkaEventBusOptions = Omit<z.input<typeof optionsSchema>, 'maxDeliveries'>;

/**
 * A bus on Kafka by kafkajs 2.2.4. Consuming needs a `consumerGroup`; a bus that only publishes makes no group. Delivery is
 * at least once, in order per key across all consumers of a group. A replay comes by a topic of the group's own,
 * `{topicPrefix}.stream.{group}.replay`, after what was published meanwhile and maybe to another member.
 */
export class KafkaEventBus extends StatechartEventBus {
  readonly #transport: KafkaTransport;

  /** @throws {ConfigurationError} naming every wrong option; a missing driver shows when connecting. */
  constructor(options: KafkaEventBusOptions = {}) {
    const { eventsourceMetrics, ...parsed } = parseOptions(optionsSchema, options, 'KafkaEventBus');
    const own: Record<string, unknown> = {};
    const common: Record<string, unknown> = {};
    for (const [name, value] of Object.entries(parsed))
      (name in ownOptions.shape ? own : common)[name] = value;
    const settings = busSettings(common, BROKER_DEFAULTS);
    if (parsed.maxDeliveries !== undefined)
      throw new ConfigurationError('maxDeliveries is not for Kafka, which counts no deliveries.');
    const transport = kafkaTransport({ ...own, connectTimeoutMs: settings.connectTimeoutMs || 1 });
    const { consumerGroup } = settings;
    if (consumerGroup !== undefined && !TOPIC_NAME.test(replayTopicOf(transport.destination, consumerGroup)))
      throw new ConfigurationError(
        `consumerGroup "${consumerGroup}" must be letters, digits, dots, dashes and underscores, because a topic is named after it.`,
      );
    super(settings, {
      transport,
      capabilities: transport.capabilities,
      destination: transport.destination,
      isStoredOnceSent: false,
      canRelease: true,
      ...(eventsourceMetrics === true && {
        partitionLags: async () => (await transport.connection?.assignedLags(consumerGroup)) ?? [],
      }),
    });
    this.#transport = transport;
  }

  /** Kafka's own numbers of topic and group, with the lag of each partition; zeros while it isn't connected. */
  async getTopicInfo(): Promise<KafkaTopicInfo> {
    const info = await this.#transport.connection?.topicInfo(this.settings.consumerGroup);
    if (info !== undefined) return info;
    const topic = this.#transport.destination;
    return {
      topic,
      deadLetterTopic: deadLetterTopicOf(topic),
      length: 0,
      members: 0,
      lag: 0,
      unsettledHere: 0,
      deadLetters: 0,
      partitions: [],
    };
  }
}
