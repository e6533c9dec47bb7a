import { afterAll, beforeAll, describe, inject } from 'vitest';
import { startKafkaServer, type KafkaServer } from '../../brokers/kafka-server.ts';
import { itBearsCrashesBeforeAcknowledging, itBearsCrashesWhileReplaying } from './crash-scenarios.ts';
import { kafkaPlaceAt } from './places/kafka.ts';
import { itBearsItsProcesses } from './process-scenarios.ts';
import { itBearsFaults } from './scenarios.ts';
import { itStopsAtAnyMoment } from './stop-scenarios.ts';

const program = inject('kafkaProgram');

describe.skipIf(program === undefined)('faults, on kafka', { timeout: 120_000 }, () => {
  let server: KafkaServer;
  beforeAll(async () => {
    server = await startKafkaServer(program!);
  });
  afterAll(() => server.stop());

  const start = (destination: string) => Promise.resolve(kafkaPlaceAt(server, destination));
  itBearsFaults(start);
  itBearsItsProcesses(start);
  itBearsCrashesBeforeAcknowledging(start);
  itBearsCrashesWhileReplaying(start);
  itStopsAtAnyMoment(start);
});
