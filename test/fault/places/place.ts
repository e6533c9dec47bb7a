import type { PrivateServer } from '../../../brokers/private-server.ts';
import type { BrokerEventBus } from '../../../src/index.ts';
import type { BusPlace, PlacedBusOptions } from '../../support/bus-places.ts';
import type { ClientRequests } from '../crash-point.ts';

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
  /** Silence after which the broker, or the group, gives a consumer up, as the buses of a run are set up. */
  readonly givesUpAfterMs: number;
  /** Within how long a bus notices that nothing comes through any more, when nobody tells it. */
  readonly noticesWithinMs: number;
  /** Whether it dead-letters what was delivered too often. */
  readonly countsDeliveries: boolean;
  /** Whether a dead letter is shown once whatever happens, since it can't be stored twice or is shown once then. */
  readonly foldsDeadLetters: boolean;
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

/** Where what is settled is stored elsewhere first, and acknowledged then. */
export interface TwoStepPlace extends FaultPlace {
  readonly requests: ClientRequests;
  /** Ids of the dead letters that the broker holds, with repetitions. */
  deadLetterIds(): Promise<readonly string[]>;
}

/** The server ends with its one place. */
export const withServer = <Place extends FaultPlace>(place: Place): Place => ({
  ...place,
  async close() {
    await place.close();
    await place.server.stop();
  },
});

/** What a run has begun, and how many consumers lived while the fault did. */
export interface BegunBy {
  readonly begun: ReadonlySet<string>;
  readonly consumers: number;
}

/** Which events, where the broker tells, or how many at most. */
export type AtRisk = ReadonlySet<string> | number;

export const GROUP = 'workers';
