export { InMemoryEventBus, MemoryBroker } from './transports/memory/index.ts';
export type { InMemoryEventBusOptions, MemoryBrokerOptions } from './transports/memory/index.ts';
export { defineEvent } from './events/define-event.ts';
export type { EventOptions } from './events/define-event.ts';
export type {
  AnyEvent,
  AnyEventDefinition,
  EventDefinition,
  EventInput,
  EventOf,
  TypedEvent,
  Upcast,
} from './events/event-definition.ts';
export { EventRegistry, defaultRegistry } from './events/registry.ts';
export { withCausation } from './events/with-causation.ts';
export { withMetadata } from './events/with-metadata.ts';
export {
  BusStoppedError,
  ConfigurationError,
  ConnectionError,
  DecodeError,
  DriverMissingError,
  DuplicateEventTypeError,
  EncodeError,
  EventBusError,
  EventTypeNotFoundError,
  HandlerTimeoutError,
  NonRetryableError,
  PublishError,
  UnroutableError,
} from './errors.ts';
export type { PublishOutcome } from './errors.ts';
export type {
  BrokerEventBus,
  BusInfo,
  Consumption,
  EventBus,
  Handler,
  HandlerObject,
  Health,
  HealthCondition,
  PublishOptions,
  SubscribeOptions,
  Subscriber,
  Subscription,
} from './bus/api.ts';
export { probeHandler } from './bus/probes.ts';
export { stopOnSignals } from './bus/signals.ts';
export type { SignalledProcess, StopOnSignalsOptions, Stopping } from './bus/signals.ts';
export type { BusOptions } from './bus/options.ts';
export type {
  DeadLetterAdmin,
  DeadLetter,
  DeadLetterFilter,
  FailedHandler,
  ReplayReport,
} from './dead-letters/admin.ts';
export type { InspectionObserver, InspectOptions, Payloads } from './observability/inspection.ts';
export type { BusActor, BusState, DrainReport, SubscriptionActor } from '../machines/index.ts';
export type { DomainEvent } from './contracts/event.ts';
export type { HandlerContext } from './contracts/handler.ts';
export type { Clock } from './contracts/clock.ts';
export type { Headers } from './contracts/message.ts';
export type { Logger } from './contracts/logger.ts';
export type { Classification, DeadLetterReason, RetryPolicy } from './contracts/settlement.ts';
export type { Stats } from './contracts/telemetry.ts';
export type { Capabilities } from './contracts/transport.ts';
