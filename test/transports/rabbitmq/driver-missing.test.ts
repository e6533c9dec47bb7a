import { expect, it, vi } from 'vitest';
import { DriverMissingError } from '../../../src/index.ts';
import { RabbitMQEventBus } from '../../../src/transports/rabbitmq/index.ts';

vi.mock('amqplib', () => {
  throw Object.assign(new Error("Cannot find package 'amqplib'"), { code: 'ERR_MODULE_NOT_FOUND' });
});

it('a bus without amqplib is built, and says when it connects what to install, at once and for good', async () => {
  const quiet = (): void => undefined;
  const logger = { trace: quiet, debug: quiet, info: quiet, warn: quiet, error: quiet };
  const bus = new RabbitMQEventBus({ logger, connectTimeoutMs: Infinity });
  const refusal: unknown = await bus.connect().catch((error: unknown) => error);
  expect(refusal).toBeInstanceOf(DriverMissingError);
  expect(refusal).toMatchObject({ code: 'DRIVER_MISSING', retryable: false });
  expect((refusal as Error).message).toContain('npm install amqplib');
  expect(bus.state).toBe('failed');
  await bus.shutdown();
});
