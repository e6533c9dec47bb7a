import { afterAll, beforeAll, describe, inject } from 'vitest';
import { startRabbitServer, type RabbitServer } from '../../brokers/rabbitmq-server.ts';
import {
  itBearsCrashesBeforeAcknowledging,
  itBearsCrashesBetweenRetries,
  itBearsCrashesWhileReplaying,
} from './crash-scenarios.ts';
import { rabbitPlaceAt } from './places/rabbitmq.ts';
import { itBearsItsProcesses } from './process-scenarios.ts';
import { itBearsFaults } from './scenarios.ts';
import { itStopsAtAnyMoment } from './stop-scenarios.ts';

const program = inject('rabbitmqServer');

describe.skipIf(program === undefined)('faults, on rabbitmq', { timeout: 120_000 }, () => {
  let server: RabbitServer;
  beforeAll(async () => {
    server = await startRabbitServer(program!);
  });
  afterAll(() => server.stop());

  const start = (destination: string) => Promise.resolve(rabbitPlaceAt(server, destination));
  itBearsFaults(start);
  itBearsItsProcesses(start);
  itBearsCrashesBeforeAcknowledging(start);
  itBearsCrashesBetweenRetries(start);
  itBearsCrashesWhileReplaying(start);
  itStopsAtAnyMoment(start);
});
