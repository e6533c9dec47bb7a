import { describe, inject } from 'vitest';
import { rabbitPlace } from './places/rabbitmq.ts';
import { itBearsFaults } from './scenarios.ts';

const program = inject('rabbitmqServer');

describe.skipIf(program === undefined)('faults, on rabbitmq', { timeout: 120_000 }, () => {
  itBearsFaults((destination) => rabbitPlace(program!, destination));
});
