export { TransportEventBus } from './bus/transport-event-bus.ts';
export { PublishFailure } from './errors.ts';
export type { Headers, Message, MessageAttributes, SpanAttributes } from './contracts/message.ts';
export type {
  Capabilities,
  Connection,
  ConnectionInfo,
  DeadLetterStore,
  Delivery,
  DeliveryHolder,
  Interest,
  Source,
  SourceOptions,
  StoredDeadLetter,
  Transport,
} from './contracts/transport.ts';
export type { TransportNotice } from './contracts/transport-notice.ts';
