import { describe, expectTypeOf, it } from 'vitest';
import type { BusOptions, InMemoryEventBusOptions } from '../../src/index.ts';
import type { KafkaEventBusOptions } from '../../src/transports/kafka/index.ts';
import type { RabbitMQEventBusOptions } from '../../src/transports/rabbitmq/index.ts';
import type { RedisEventBusOptions } from '../../src/transports/redis/index.ts';

describe('what only some brokers can do', () => {
  it('such as retries that wait at the broker, is an option on RabbitMQ alone', () => {
    const rabbit: RabbitMQEventBusOptions = { ordering: 'none', retry: { waitIn: 'broker' } };
    expectTypeOf(rabbit).toExtend<RabbitMQEventBusOptions>();
    // @ts-expect-error Redis has no queues that delay
    const redis: RedisEventBusOptions = { retry: { waitIn: 'broker' } };
    expectTypeOf(redis).toEqualTypeOf<RedisEventBusOptions>();
    // @ts-expect-error nor has Kafka
    const kafka: KafkaEventBusOptions = { retry: { waitIn: 'broker' } };
    expectTypeOf(kafka).toEqualTypeOf<KafkaEventBusOptions>();
    // @ts-expect-error there is no broker
    const memory: InMemoryEventBusOptions = { retry: { waitIn: 'broker' } };
    expectTypeOf(memory).toEqualTypeOf<InMemoryEventBusOptions>();
    // @ts-expect-error a transport of one's own has an option of its own for it
    const every: BusOptions = { retry: { waitIn: 'broker' } };
    expectTypeOf(every).toEqualTypeOf<BusOptions>();
    // @ts-expect-error no such place
    const elsewhere: RabbitMQEventBusOptions = { retry: { waitIn: 'redis' } };
    expectTypeOf(elsewhere).toEqualTypeOf<RabbitMQEventBusOptions>();
  });

  it('such as counting deliveries, is no option on Kafka', () => {
    expectTypeOf<RabbitMQEventBusOptions>().toHaveProperty('maxDeliveries');
    expectTypeOf<RedisEventBusOptions>().toHaveProperty('maxDeliveries');
    expectTypeOf<KafkaEventBusOptions>().not.toHaveProperty('maxDeliveries');
    // @ts-expect-error Kafka counts no deliveries
    const kafka: KafkaEventBusOptions = { maxDeliveries: 5 };
    expectTypeOf(kafka).toEqualTypeOf<KafkaEventBusOptions>();
  });
});
