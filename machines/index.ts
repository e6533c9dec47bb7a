import type { ActorRefFrom, SnapshotFrom } from 'xstate';
import type { busMachine } from './bus.ts';
import type { consumerMachine } from './consumer.ts';
import type { deliveryMachine } from './delivery.ts';
import type { subscriptionMachine } from './subscription.ts';

export { busLogic, busMachine } from './bus.ts';
export { connectionMachine } from './connection.ts';
export { consumerMachine } from './consumer.ts';
export { consumerLogic } from './consumer-logic.ts';
export { deliveriesLogic } from './deliveries.ts';
export { deliveryMachine } from './delivery.ts';
export { handlerLogic, handlerMachine } from './handler.ts';
export { subscriptionMachine } from './subscription.ts';
export { backoffMs, decideAttempt, decideSettlement } from './settlement.ts';
export { withFastPath } from './fast-path.ts';
export type { DrainReport } from './bus-input.ts';

/** The root actor of a bus. */
export type BusActor = ActorRefFrom<typeof busMachine>;
/** States of the bus as its user sees them. */
export type BusState =
  'idle' | 'connecting' | 'connected' | 'consuming' | 'retrying' | 'draining' | 'stopped' | 'failed';
export type BusSnapshot = SnapshotFrom<typeof busMachine>;
export type ConsumerActor = ActorRefFrom<typeof consumerMachine>;
export type SubscriptionActor = ActorRefFrom<typeof subscriptionMachine>;
export type DeliveryActor = ActorRefFrom<typeof deliveryMachine>;
