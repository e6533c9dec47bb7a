import { assign, sendTo, setup } from 'xstate';
import type { HandlerInput } from './handler-flow.ts';
import { handlerLogic } from './handler.ts';
import type { DeliveriesChanged, DeliveriesState } from './troubles.ts';

export type SubscriptionEvent =
  | DeliveriesChanged
  | { readonly type: 'consumer.consuming' }
  | { readonly type: 'consumer.interrupted' }
  | { readonly type: 'pause' }
  | { readonly type: 'resume' }
  | { readonly type: 'abort'; readonly reason: Error }
  | { readonly type: 'drain' };

export interface SubscriptionInput {
  readonly name: string;
  /** Undefined for every type. */
  readonly eventTypes: readonly string[] | undefined;
  readonly handler: HandlerInput;
  /** Whether its consumer pulls already. */
  readonly isConsumerReady: boolean;
}

export interface SubscriptionContext extends SubscriptionInput {
  /** What its deliveries do, as last told. */
  readonly deliveries: DeliveriesState;
}

/** One subscribe() call: owns its handler actor, and shows what becomes of its deliveries. */
export const subscriptionMachine = setup({
  types: {
    context: {} as SubscriptionContext,
    input: {} as SubscriptionInput,
    events: {} as SubscriptionEvent,
    children: {} as { handler: 'handler' },
  },
  actors: { handler: handlerLogic },
  guards: {
    isConsumerReady: ({ context }) => context.isConsumerReady,
    isConsumerGone: ({ context }) => !context.isConsumerReady,
    isRetrying: ({ context }) => context.deliveries === 'retrying',
    isDeadLettering: ({ context }) => context.deliveries === 'deadLettering',
    isFlowing: ({ context }) => context.deliveries === 'flowing',
  },
  actions: {
    noteDeliveries: assign({
      deliveries: ({ context, event }) =>
        event.type === 'deliveries.changed' ? event.now : context.deliveries,
    }),
    noteConsumerReady: assign({ isConsumerReady: true }),
    noteConsumerGone: assign({ isConsumerReady: false }),
    pauseHandler: sendTo('handler', { type: 'pause' }),
    resumeHandler: sendTo('handler', { type: 'resume' }),
    abortHandler: sendTo('handler', ({ event }) => event as { type: 'abort'; reason: Error }),
    drainHandler: sendTo('handler', { type: 'drain' }),
  },
}).createMachine({
  id: 'subscription',
  description: 'One registered handler, from subscribe() to unsubscribe() or the end of the bus.',
  context: ({ input }) => ({
    ...input,
    deliveries: 'flowing',
  }),
  invoke: { id: 'handler', src: 'handler', input: ({ context }) => context.handler },
  initial: 'connecting',
  on: {
    'deliveries.changed': { actions: 'noteDeliveries' },
    'consumer.consuming': { actions: 'noteConsumerReady' },
    'consumer.interrupted': { actions: 'noteConsumerGone' },
    abort: { actions: 'abortHandler' },
    drain: '.draining',
    'xstate.error.actor.*': '.stopped',
  },
  states: {
    connecting: {
      description: 'Its consumer does not pull yet, or not at the moment.',
      tags: ['connecting'],
      always: { guard: 'isConsumerReady', target: 'consuming' },
      on: { pause: 'paused' },
    },
    consuming: {
      description: 'Deliveries flow.',
      tags: ['consuming'],
      always: [
        { guard: 'isConsumerGone', target: 'connecting' },
        { guard: 'isDeadLettering', target: 'deadLettering' },
        { guard: 'isRetrying', target: 'retrying' },
      ],
      on: { pause: 'paused' },
    },
    retrying: {
      description: 'At least one of its deliveries waits for another attempt; others flow.',
      tags: ['consuming', 'retrying'],
      always: [
        { guard: 'isDeadLettering', target: 'deadLettering' },
        { guard: 'isFlowing', target: 'consuming' },
      ],
      on: { pause: 'paused' },
    },
    deadLettering: {
      description: 'At least one delivery it failed is being stored as a dead letter; others flow.',
      tags: ['consuming', 'deadLettering'],
      always: [
        { guard: 'isRetrying', target: 'retrying' },
        { guard: 'isFlowing', target: 'consuming' },
      ],
      on: { pause: 'paused' },
    },
    paused: {
      description: 'Its handler is not called; what is delivered waits.',
      tags: ['paused'],
      entry: 'pauseHandler',
      on: { resume: { target: 'connecting', actions: 'resumeHandler' } },
    },
    draining: {
      description: 'Running attempts end, waiting ones are cancelled.',
      tags: ['draining'],
      entry: 'drainHandler',
      on: { drain: {}, 'xstate.done.actor.handler': 'stopped' },
    },
    stopped: { description: 'Its handler is never called again.', type: 'final' },
  },
});
