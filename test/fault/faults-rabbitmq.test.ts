import { afterAll, beforeAll, describe, inject } from 'vitest';
import { startRabbitServer, type RabbitServer } from '../../brokers/rabbitmq-server.ts';
import { rabbitPlaceAt } from './places/rabbitmq.ts';
import { itBearsFaults } from './scenarios.ts';

const program = inject('rabbitmqServer');

describe.skipIf(program === undefined)('faults, on rabbitmq', { timeout: 120_000 }, () => {
  let server: RabbitServer;
  beforeAll(async () => {
    server = await startRabbitServer(program!);
  });
  afterAll(() => server.stop());

  itBearsFaults((destination) => Promise.resolve(rabbitPlaceAt(server, destination)));
});
