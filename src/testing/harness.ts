import type { BrokerEventBus } from '../bus/api.ts';
import type { BusOptions } from '../bus/options.ts';
import type { Capabilities } from '../contracts/transport.ts';
import type { VirtualClock } from './clock.ts';

/** What a transport says it can do. The suite proves what is declared, and that what isn't is refused or absent. */
export interface Abilities extends Capabilities {
  /** A bus consumes from its construction on, without `startConsuming`. */
  readonly consumesByItself: boolean;
}

/** A stream, exchange or topic of one test alone, and the group that consumes it unless the test names another. */
export interface Destination {
  readonly name: string;
  readonly group: string;
  /** One of several ways there; see {@link TransportFaults.wayTo}. */
  readonly way?: string;
}

/** Breaks the way between the buses of one destination and their broker. */
export interface TransportFaults {
  /** Called before any bus of that destination is made, by the tests that are going to cut it. */
  prepare?(destination: Destination): Promise<void>;
  /** Cuts every connection of that way at once, and lets no new one stand until {@link heal}. */
  cut(destination: Destination): Promise<void>;
  heal(destination: Destination): Promise<void>;
  /**
   * The same destination by a way of its own, so that `cut` and `heal` break that way alone: what one bus is reached by,
   * cut for good, is what a crash of its process looks like to the broker. Absent where ways can't be told apart.
   */
  wayTo?(destination: Destination): Promise<Destination>;
}

/** Looks at the broker past the bus. */
export interface Probe {
  /** Handed out to the group and not settled. */
  pending(destination: Destination, group: string): Promise<number>;
  /** Dead letters of the group. */
  dlqDepth(destination: Destination, group: string): Promise<number>;
}

/** A message that no bus would write. */
export interface RawMessage {
  readonly id: string;
  readonly type: string;
  readonly key: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
}

/** A consumer in another process: handles every event, once `ready`, and reports it to the test's recorder. */
export interface RemoteConsumer {
  /** Ids in the order in which they were handled. */
  readonly handled: readonly string[];
  /** Drains and ends the process; resolves once it is gone. */
  stop(): Promise<void>;
}

/** All that {@link describeTransport} needs to test one more transport. */
export interface TransportHarness {
  readonly abilities: Abilities;
  /** Most deliveries that one bus holds unsettled with default options. */
  readonly window: number;
  /** How many such windows one bus has: one for each partition, where there are several (1). */
  readonly windows?: number;
  /** Time of the buses, when a test may move it; undefined where a real broker keeps its own. */
  readonly clock?: VirtualClock | undefined;
  /** Once before all tests: opens what `probe` needs. */
  start?(): Promise<void>;
  stop?(): Promise<void>;
  /** Unique in this run. @param testId A few letters that end up in the name. */
  destination(testId: string): Destination;
  /** A bus on that destination; what `options` leaves open is the harness's to choose. */
  makeBus(destination: Destination, options: BusOptions): BrokerEventBus;
  /** Puts a message there byte for byte. */
  putRaw(destination: Destination, message: RawMessage): Promise<void>;
  /** Removes what the test left at the broker. */
  cleanUp(destination: Destination): Promise<void>;
  /** Starts a consumer of the group in another process; there exactly if `crossProcess` is declared. */
  consumeElsewhere?(destination: Destination, group: string, name: string): Promise<RemoteConsumer>;
  readonly faults?: TransportFaults;
  readonly probe: Probe;
}
