import type { PrivateServer } from '../../../brokers/private-server.ts';
import type { BrokerEventBus } from '../../../src/index.ts';
import type { BusPlace, PlacedBusOptions } from '../../support/bus-places.ts';

/** One broker under fault, started for one test, and what it says itself of what it holds: never by way of a bus. */
export interface FaultPlace {
  readonly server: PrivateServer;
  /** Past the proxy. */
  readonly at: BusPlace;
  /** Of `workers`, and of nothing else, are the figures. */
  readonly group: string;
  /** The same destination by way of a proxy. */
  through(proxy: { readonly host: string; readonly port: number }): {
    readonly at: BusPlace;
    readonly options: PlacedBusOptions;
  };
  /** Makes a bus there otherwise than by its address. */
  readonly makeBus?: (options: PlacedBusOptions) => Promise<BrokerEventBus>;
  /** How long a handler must take to outlive a lease or session, as the buses of a run are set up. */
  readonly slowHandlerMs: number;
  /** Before the first event, and after the first consumer. */
  prepare(): Promise<void>;
  /** Messages of the group that are not settled. */
  unsettled(): Promise<number>;
  /** To be asked before a fault; to what it resolves, after it: what may be handed out again. */
  beforeFault(): Promise<(run: BegunBy) => Promise<AtRisk> | AtRisk>;
  /** Ids of the events that were stored, with repetitions. */
  stored(): Promise<readonly string[]>;
  deadLettered(): Promise<ReadonlySet<string>>;
  /** Takes the destination away, and all that it held. */
  loseState(): Promise<void>;
  /** From now on the broker stores nothing more, until the call of what this resolves with. */
  refuseStorage(): Promise<() => Promise<void>>;
  /** Removes all that it holds of this destination. */
  clear(): Promise<void>;
  close(): Promise<void>;
}

/** The server ends with its one place. */
export const withServer = <Place extends FaultPlace>(place: Place): Place => ({
  ...place,
  async close() {
    await place.close();
    await place.server.stop();
  },
});

/** What a run has begun, and with how many consumers. */
export interface BegunBy {
  readonly begun: ReadonlySet<string>;
  readonly consumers: number;
}

/** Which events, where the broker tells, or how many at most. */
export type AtRisk = ReadonlySet<string> | number;

export const GROUP = 'workers';
