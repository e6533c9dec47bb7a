import { machines } from '../../src/cli/machines.ts';
import { ChartCoverage } from '../support/chart-coverage.ts';

/** Of the machines that the walks in memory must go through, nothing reached so far. */
export const covered = (): ChartCoverage => new ChartCoverage([...machines.values()]);
