import { randomUUID } from 'node:crypto';
import { connect } from 'amqplib';
import { afterAll, describe, expect, inject, it } from 'vitest';
import { runExample } from '../../support/example.ts';

const url = inject('rabbitmqUrl');
const exchange = `example-${randomUUID()}`;
const types = ['topic', 'direct', 'headers', 'fanout'];

describe.skipIf(url === undefined)('the examples on RabbitMQ', () => {
  const run = (file: string) => runExample(file, { RABBITMQ_URL: url!, EXCHANGE: exchange });

  afterAll(async () => {
    const model = await connect(url!);
    const channel = await model.createChannel();
    const groups = [[exchange, 'accounting'], ...types.map((type) => [`${exchange}.${type}`, 'billing'])];
    for (const [name = '', group] of groups) {
      await channel.deleteQueue(`${name}.${group}`);
      await channel.deleteQueue(`${name}.${group}.dlq`);
      await channel.deleteExchange(name);
    }
    await model.close();
  });

  it('handle what they publish, and end', async () => {
    expect(await run('rabbitmq.ts')).toBe('1 cents for invoice-1\n2 cents for invoice-1\n');
  });

  it('show what each type of exchange leaves out', async () => {
    expect((await run('exchange-types.ts')).split('\n')).toEqual([
      'topic: 1 of 2 reached no queue',
      'direct: 1 of 2 reached no queue',
      'headers: 1 of 2 reached no queue',
      'fanout: 0 of 2 reached no queue',
      '',
    ]);
  });
});
