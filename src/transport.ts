export { TransportEventBus } from './bus/transport-event-bus.ts';
export { PublishFailure } from './errors.ts';
export type { Headers, Message, MessageAttributes } from './contracts/message.ts';
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
  TransportNotice,
} from './contracts/transport.ts';
