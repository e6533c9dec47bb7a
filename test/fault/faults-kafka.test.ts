import { afterAll, beforeAll, describe, inject } from 'vitest';
import { startKafkaServer, type KafkaServer } from '../../brokers/kafka-server.ts';
import { kafkaPlaceAt } from './places/kafka.ts';
import { itBearsFaults } from './scenarios.ts';

const program = inject('kafkaProgram');

describe.skipIf(program === undefined)('faults, on kafka', { timeout: 120_000 }, () => {
  let server: KafkaServer;
  beforeAll(async () => {
    server = await startKafkaServer(program!);
  });
  afterAll(() => server.stop());

  itBearsFaults((destination) => Promise.resolve(kafkaPlaceAt(server, destination)));
});
