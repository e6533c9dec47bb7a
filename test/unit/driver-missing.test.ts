import { expect, it, vi } from 'vitest';
import { type BrokerEventBus, type BusOptions, DriverMissingError } from '../../src/index.ts';
import { KafkaEventBus } from '../../src/transports/kafka/index.ts';
import { RabbitMQEventBus } from '../../src/transports/rabbitmq/index.ts';
import { RedisEventBus } from '../../src/transports/redis/index.ts';

vi.mock('ioredis', () => missing('ioredis'));
vi.mock('amqplib', () => missing('amqplib'));
vi.mock('kafkajs', () => missing('kafkajs'));

function missing(name: string): never {
  throw Object.assign(new Error(`Cannot find package '${name}'`), { code: 'ERR_MODULE_NOT_FOUND' });
}

const quiet = (): void => undefined;
const logger = { trace: quiet, debug: quiet, info: quiet, warn: quiet, error: quiet };

it.each<[string, new (options: BusOptions) => BrokerEventBus]>([
  ['ioredis', RedisEventBus],
  ['amqplib', RabbitMQEventBus],
  ['kafkajs', KafkaEventBus],
])(
  'a bus without %s is built, and says when it connects what to install, at once and for good',
  async (driver, Bus) => {
    const bus = new Bus({ logger, connectTimeoutMs: Infinity });
    const refusal: unknown = await bus.connect().catch((error: unknown) => error);
    expect(refusal).toBeInstanceOf(DriverMissingError);
    expect(refusal).toMatchObject({ code: 'DRIVER_MISSING', retryable: false });
    expect((refusal as Error).message).toContain(`npm install ${driver}`);
    expect(bus.state).toBe('failed');
    await bus.shutdown();
  },
);
