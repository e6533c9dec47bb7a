import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { promisify } from 'node:util';
import { connect } from 'amqplib';
import { afterAll, describe, expect, inject, it } from 'vitest';

const url = inject('rabbitmqUrl');
const exchange = `example-${randomUUID()}`;

describe.skipIf(url === undefined)('the example on RabbitMQ', () => {
  afterAll(async () => {
    const model = await connect(url!);
    const channel = await model.createChannel();
    await channel.deleteQueue(`${exchange}.accounting`);
    await channel.deleteQueue(`${exchange}.accounting.dlq`);
    await channel.deleteExchange(exchange);
    await model.close();
  });

  it('handles what it publishes, and ends', async () => {
    const { stdout } = await promisify(execFile)(
      process.execPath,
      ['--import', 'tsx', 'examples/rabbitmq.ts'],
      { env: { ...process.env, RABBITMQ_URL: url, EXCHANGE: exchange }, timeout: 20_000 },
    );
    expect(stdout).toBe('1 cents for invoice-1\n2 cents for invoice-1\n');
  });
});
