import type { ProxyMode } from '../../src/testing/index.ts';

/** A consumer as the walk's commands know it. */
export interface ExpectedConsumer {
  readonly name: string;
  readonly isElsewhere: boolean;
  isPaused: boolean;
}

/** What the commands of a walk have made of the world so far: which of them make sense next follows from it. */
export interface Expectation {
  readonly isRemote: boolean;
  broker: 'up' | 'killed' | 'frozen';
  way: ProxyMode;
  isRefusing: boolean;
  consumers: ExpectedConsumer[];
}

/** As a walk begins: everything works, and one consumer is there. */
export const atFirst = (isRemote: boolean): Expectation => ({
  isRemote,
  broker: 'up',
  way: 'pass',
  isRefusing: false,
  consumers: [{ name: 'local-1', isElsewhere: false, isPaused: false }],
});

/** Buses of this process reach the broker. */
export const isWhole = ({ broker, way, isRefusing }: Expectation): boolean =>
  broker === 'up' && way === 'pass' && !isRefusing;

/** Other processes reach it, without the proxy. */
export const isReachable = ({ broker, isRefusing }: Expectation): boolean => broker === 'up' && !isRefusing;
