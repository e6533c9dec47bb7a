export { describeTransport } from './transport-suite.ts';
export type { SuiteOptions } from './transport-suite.ts';
export { testBus } from './bus-suite.ts';
export type { BusTestOptions } from './bus-suite.ts';
export type { PathSet } from './model/path-sets.ts';
export { describeEventStore } from './event-store-suite.ts';
export type { EventStoreHarness } from './event-store-suite.ts';
export { busModel } from './model/bus-model.ts';
export type { BusModel } from './model/bus-model.ts';
export type { Bounds, ModelContext, ModelEvent } from './model/happenings.ts';
export type { Kind, ModelMessage, Promises } from './model/messages.ts';
export type {
  Abilities,
  Destination,
  Probe,
  RawMessage,
  RemoteConsumer,
  TransportFaults,
  TransportHarness,
} from './harness.ts';
export { Counted, conformanceRegistry, counted } from './counted.ts';
export type { CountedEvent } from './counted.ts';
export { Recorder } from './recorder.ts';
export type { RecordedAttempt } from './recorder.ts';
export { breaches, disordered, overlapping } from './invariants.ts';
export type { Allowance, Ledger } from './invariants.ts';
export { VirtualClock, virtualEpochMs } from './clock.ts';
export { seededRandom } from './random.ts';
export { startProxy } from './proxy.ts';
export type { FaultProxy, ProxyMode } from './proxy.ts';
