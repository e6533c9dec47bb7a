import { describe, inject } from 'vitest';
import { kafkaPlace } from './places/kafka.ts';
import { itBearsFaults } from './scenarios.ts';

const program = inject('kafkaProgram');

describe.skipIf(program === undefined)('faults, on kafka', { timeout: 120_000 }, () => {
  itBearsFaults((destination) => kafkaPlace(program!, destination));
});
