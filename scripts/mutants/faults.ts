import { consumerFaults } from './consumer-faults.ts';
import { fastPathFaults } from './fast-path-faults.ts';
import type { Fault } from './fault.ts';
import { publishFaults } from './publish-faults.ts';
import { settlementFaults } from './settlement-faults.ts';

/** Every fault that a test must notice. */
export const faults: readonly Fault[] = [
  ...settlementFaults,
  ...consumerFaults,
  ...fastPathFaults,
  ...publishFaults,
];
