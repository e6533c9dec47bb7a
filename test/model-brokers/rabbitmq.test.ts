import { describe, inject } from 'vitest';
import { testBus } from '../../src/testing/index.ts';
import { rabbitHarness } from '../support/rabbitmq-harness.ts';
import { runSeed } from '../support/seed.ts';

const rabbitmqUrl = inject('rabbitmqUrl');

describe.skipIf(rabbitmqUrl === undefined)('on a real broker', () => {
  testBus('rabbitmq', rabbitHarness(rabbitmqUrl ?? 'amqp://none'), { seed: runSeed() });
});
