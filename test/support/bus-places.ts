import type { BrokerName } from '../../brokers/recipes.ts';
import type { BusOptions } from '../../src/bus/options.ts';
import type { BrokerEventBus } from '../../src/index.ts';
import { RedisEventBus } from '../../src/transports/redis/index.ts';

export type PlaceName = BrokerName | 'memory';

/** A destination of one broker; it goes to another process as JSON. */
export interface BusPlace {
  readonly broker: PlaceName;
  readonly url: string;
  /** Stream prefix, exchange or topic prefix. */
  readonly destination: string;
}

/** Those of every bus, and those of the one broker, unchecked. */
export type PlacedBusOptions = BusOptions & Readonly<Record<string, unknown>>;

const makers: Readonly<
  Record<BrokerName, (place: BusPlace, options: PlacedBusOptions) => Promise<BrokerEventBus>>
> = {
  redis: ({ url, destination }, options) =>
    Promise.resolve(
      new RedisEventBus({
        redisUrl: url,
        streamPrefix: destination,
        blockMs: 500,
        pendingIdleMs: 2_000,
        ...options,
      }),
    ),
  async rabbitmq({ url, destination }, options) {
    const { RabbitMQEventBus } = await load<'RabbitMQEventBus'>('rabbitmq');
    return new RabbitMQEventBus({
      rabbitmqUrl: url,
      exchangeName: destination,
      heartbeatSeconds: 1,
      ...options,
    });
  },
  async kafka({ url, destination }, options) {
    const { KafkaEventBus } = await load<'KafkaEventBus'>('kafka');
    return new KafkaEventBus({
      bootstrapServers: url,
      topicPrefix: destination,
      createTopics: { partitions: 4, replicationFactor: 1 },
      sessionTimeoutMs: 6_000,
      heartbeatIntervalMs: 500,
      ...options,
    });
  },
};

/** A bus there that notices faults within a second or two, which few users want. */
export function busAt(place: BusPlace, options: PlacedBusOptions): Promise<BrokerEventBus> {
  if (place.broker === 'memory') throw new Error('What lives in the memory of a process has no address.');
  return makers[place.broker](place, options);
}

function load<Name extends string>(
  transport: string,
): Promise<Record<Name, new (options: PlacedBusOptions) => BrokerEventBus>> {
  return import(`../../src/transports/${transport}/index.ts`) as Promise<
    Record<Name, new (options: PlacedBusOptions) => BrokerEventBus>
  >;
}
