import { inject } from 'vitest';
import type { BrokerName } from '../../brokers/recipes.ts';
import type { TransportHarness } from '../../src/testing/index.ts';
import { kafkaHarness } from './kafka-harness.ts';
import { rabbitHarness } from './rabbitmq-harness.ts';
import { redisHarness } from './redis-harness.ts';

/** Each with where this run found it, undefined where it isn't tested, and its harness there. */
export const realBrokers: readonly [BrokerName, string | undefined, (url: string) => TransportHarness][] = [
  ['redis', inject('redisUrl'), redisHarness],
  ['rabbitmq', inject('rabbitmqUrl'), rabbitHarness],
  ['kafka', inject('kafkaServers'), kafkaHarness],
];
