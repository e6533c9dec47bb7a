import { assign, enqueueActions, sendTo, setup, spawnChild, stateIn, stopChild } from 'xstate';
import {
  awaitPublished,
  NOTHING_DRAINED,
  SUBSCRIPTION,
  type BusContext,
  type BusEvent,
  type BusInput,
  type DrainReport,
} from './bus.impl.ts';
import { connectionMachine } from './connection.ts';
import { consumerLogic } from './consumer.ts';
import { withFastPath } from './fast-path.ts';
import { subscriptionMachine } from './subscription.ts';

const CLOSE_TIMEOUT_MS = 1500;

/** The whole bus: owns its connection, its consumer and its subscriptions, and ends them in the right order. */
export const busMachine = setup({
  types: {
    context: {} as BusContext,
    input: {} as BusInput,
    events: {} as BusEvent,
    output: {} as DrainReport,
  },
  actors: {
    connection: connectionMachine,
    consumer: consumerLogic,
    subscription: subscriptionMachine,
    awaitPublished,
  },
  delays: {
    drainTimeout: ({ context }) => Math.min(context.drainTimeoutMs, 2 ** 31 - 1),
    closeTimeout: CLOSE_TIMEOUT_MS,
  },
  guards: {
    isEmbedded: ({ context }) => context.transport === undefined,
    hasConsumer: ({ context }) => context.hasConsumer,
    hasNoConsumer: ({ context }) => !context.hasConsumer,
    hasNoConnectionActor: ({ context }) => !context.hasConnectionActor,
    isStopped: stateIn('#bus.lifecycle.stopped'),
    isAccepted: ({ event }) => event.type === 'publish' && event.isAccepted,
  },
  actions: {
    openConnection: enqueueActions(({ context, enqueue }) => {
      if (context.transport === undefined) return;
      enqueue.stopChild('connection');
      enqueue.spawnChild('connection', {
        id: 'connection',
        input: {
          transport: context.transport,
          connectTimeoutMs: context.connectTimeoutMs,
          random: context.random,
        },
      });
      enqueue.assign({ hasConnectionActor: true });
    }),
    noteOpened: enqueueActions(({ event, enqueue }) => {
      if (event.type !== 'connection.opened') return;
      const { connection } = event;
      enqueue.assign({ connection, error: undefined });
      enqueue(({ context }) => context.publisher.connectionOpened(connection));
    }),
    noteReconnected: ({ context }) => context.reconnected(),
    noteLost: enqueueActions(({ event, enqueue }) => {
      enqueue.assign({ connection: undefined, error: (event as { error?: unknown }).error });
      enqueue(({ context }) => context.publisher.connectionLost());
    }),
    noteError: assign({ error: ({ event }) => (event as { error?: unknown }).error }),
    // On the embedded bus nothing is pulled, so it is the handlers that hold what comes.
    passPause: enqueueActions(({ context, event, enqueue, self }) => {
      if (context.transport !== undefined) enqueue.sendTo('consumer', event);
      else
        for (const id of Object.keys(self.getSnapshot().children))
          if (id.startsWith(SUBSCRIPTION)) enqueue.sendTo(id, event);
    }),
    passToConsumer: sendTo('consumer', ({ event }) => event as never),
    spawnConsumer: enqueueActions(({ context, enqueue }) => {
      if (context.hasConsumer) return;
      enqueue.spawnChild('consumer', {
        id: 'consumer',
        input: { ...context.consumer(), connection: context.connection },
      });
      enqueue.assign({ hasConsumer: true });
    }),
    removeConsumer: enqueueActions(({ context, event, enqueue }) => {
      if (event.type !== 'consumer.stopped') return;
      enqueue.stopChild('consumer');
      enqueue.assign({ hasConsumer: false, report: { ...context.report, ...event.counts } });
    }),
    drainConsumerIfAny: enqueueActions(({ context, enqueue }) => {
      if (context.hasConsumer) enqueue.sendTo('consumer', { type: 'drain', timeoutMs: Infinity });
    }),
    drainConsumer: sendTo('consumer', ({ event }) => ({
      type: 'drain',
      timeoutMs: (event as Extract<BusEvent, { type: 'stopConsuming' }>).timeoutMs,
    })),
    abortConsumer: enqueueActions(({ context, enqueue }) => {
      if (context.hasConsumer) enqueue.sendTo('consumer', { type: 'abort' });
    }),
    spawnSubscription: spawnChild('subscription', {
      id: ({ event }) => (event as { id: string }).id,
      input: ({ context, event }) => ({
        ...(event as Extract<BusEvent, { type: 'subscribe' }>).input,
        isConsumerReady: context.isConsumerReady,
      }),
    }),
    drainSubscription: enqueueActions(({ context, event, enqueue }) => {
      if (event.type !== 'unsubscribe') return;
      if (context.hasConsumer)
        enqueue.sendTo('consumer', { type: 'handler.removed', subscription: event.subscription });
      enqueue.sendTo(event.id, { type: 'drain' });
    }),
    tellSubscriptions: enqueueActions(({ event, enqueue, self }) => {
      for (const id of Object.keys(self.getSnapshot().children))
        if (id.startsWith(SUBSCRIPTION)) enqueue.sendTo(id, event);
    }),
    abortSubscriptions: enqueueActions(({ context, enqueue, self }) => {
      for (const id of Object.keys(self.getSnapshot().children))
        if (id.startsWith(SUBSCRIPTION)) enqueue.sendTo(id, { type: 'abort', reason: context.abortError() });
    }),
    forgetChild: enqueueActions(({ event, enqueue }) => {
      const { actorId } = event as unknown as { actorId: string };
      enqueue.stopChild(actorId);
      if (actorId === 'connection') enqueue.assign({ hasConnectionActor: false });
    }),
    noteConsuming: assign({ isConsumerReady: ({ event }) => event.type === 'consumer.consuming' }),
    noteActorError: assign({ error: ({ event }) => (event as { error?: unknown }).error }),
    drainSubscriptions: enqueueActions(({ enqueue, self }) => {
      for (const id of Object.keys(self.getSnapshot().children))
        if (id.startsWith(SUBSCRIPTION)) enqueue.sendTo(id, { type: 'drain' });
    }),
    publish: ({ context, event, self }) => {
      if (event.type === 'publish') context.publisher.accept(event.request, self);
    },
    refuse: ({ context, event }) => {
      if (event.type === 'publish') context.publisher.refuse(event.request);
    },
    noteShutdown: assign({
      report: NOTHING_DRAINED,
      drainTimeoutMs: ({ event }) => (event.type === 'shutdown' ? event.timeoutMs : 0),
    }),
    abortPublishes: assign({
      report: ({ context }) => ({
        ...context.report,
        unpublished: context.report.unpublished + context.publisher.abort(),
      }),
    }),
    noteTimedOut: assign({ report: ({ context }) => ({ ...context.report, timedOut: true }) }),
    closeConnection: enqueueActions(({ context, enqueue }) => {
      if (context.hasConnectionActor) enqueue.sendTo('connection', { type: 'close' });
    }),
    stopConnection: stopChild('connection'),
  },
}).createMachine({
  id: 'bus',
  description: 'An event bus from its construction to its end.',
  context: ({ input }) => ({
    ...input,
    connection: undefined,
    hasConnectionActor: false,
    hasConsumer: false,
    isConsumerReady: false,
    drainTimeoutMs: 0,
    report: NOTHING_DRAINED,
    error: undefined,
  }),
  type: 'parallel',
  on: {
    subscribe: { actions: 'spawnSubscription' },
    'subscriptions.changed': { guard: 'hasConsumer', actions: 'passToConsumer' },
    unsubscribe: { actions: 'drainSubscription' },
    'consumer.consuming': { actions: ['noteConsuming', 'tellSubscriptions'] },
    'consumer.interrupted': { actions: ['noteConsuming', 'tellSubscriptions'] },
    'xstate.done.actor.*': { actions: 'forgetChild' },
    // Without it an error of a child would end the process.
    'xstate.error.actor.*': { actions: ['noteActorError', 'forgetChild'] },
  },
  states: {
    lifecycle: {
      initial: 'idle',
      on: { shutdown: '.draining' },
      states: {
        idle: {
          description: 'Not connected, and nothing asked for it yet.',
          always: { guard: 'isEmbedded', target: 'consuming', actions: 'spawnConsumer' },
          on: { connect: 'connecting', publish: { actions: 'refuse' } },
        },
        connecting: {
          description: 'The first connection is being opened; what is published waits.',
          tags: ['connecting'],
          entry: 'openConnection',
          on: {
            publish: { actions: 'publish' },
            'connection.opened': { target: 'connected', actions: 'noteOpened' },
            'connection.refused': { target: 'failed', actions: 'noteError' },
            'connection.timedOut': { target: 'idle', actions: ['noteError', 'abortPublishes'] },
          },
        },
        connected: {
          description: 'Publishes, and consumes nothing.',
          on: {
            publish: { actions: 'publish' },
            consume: { target: 'consuming', actions: 'spawnConsumer' },
            'connection.lost': { target: 'retrying', actions: 'noteLost' },
          },
        },
        consuming: {
          description: 'Publishes, and has a consumer.',
          tags: ['consuming'],
          on: {
            publish: { actions: 'publish' },
            pause: { actions: 'passPause' },
            resume: { actions: 'passPause' },
            stopConsuming: { actions: 'drainConsumer' },
            'consumer.stopped': { target: 'connected', actions: 'removeConsumer' },
            'connection.lost': { target: 'retrying', actions: ['noteLost', 'passToConsumer'] },
          },
        },
        retrying: {
          description: 'The connection was lost and is being opened again; what is published waits.',
          tags: ['retrying', 'degraded'],
          on: {
            publish: { actions: 'publish' },
            consume: { actions: 'spawnConsumer' },
            pause: { actions: 'passPause' },
            resume: { actions: 'passPause' },
            stopConsuming: { guard: 'hasConsumer', actions: 'drainConsumer' },
            'consumer.stopped': { actions: 'removeConsumer' },
            'connection.opened': [
              {
                guard: 'hasConsumer',
                target: 'consuming',
                actions: ['noteOpened', 'noteReconnected', 'passToConsumer'],
              },
              { target: 'connected', actions: ['noteOpened', 'noteReconnected'] },
            ],
            'connection.refused': { target: 'failed', actions: 'noteError' },
          },
        },
        draining: {
          description: 'Finishes what has begun, and begins nothing new.',
          tags: ['draining'],
          entry: 'noteShutdown',
          initial: 'consumer',
          after: { drainTimeout: '.aborting' },
          on: {
            shutdown: {},
            publish: [{ guard: 'isAccepted', actions: 'publish' }, { actions: 'refuse' }],
            'connection.lost': [
              { guard: 'hasConsumer', actions: ['noteLost', 'passToConsumer'] },
              { actions: 'noteLost' },
            ],
            'connection.opened': [
              { guard: 'hasConsumer', actions: ['noteOpened', 'passToConsumer'] },
              { actions: 'noteOpened' },
            ],
            'connection.refused': '.aborting',
            'connection.timedOut': '.aborting',
          },
          states: {
            consumer: {
              description: 'The consumer lets its deliveries end.',
              always: { guard: 'hasNoConsumer', target: 'publishes' },
              entry: 'drainConsumerIfAny',
              on: { 'consumer.stopped': { target: 'publishes', actions: 'removeConsumer' } },
            },
            publishes: {
              description: 'What was accepted is stored.',
              invoke: {
                src: 'awaitPublished',
                input: ({ context }) => context,
                onDone: 'closing',
                onError: 'closing',
              },
            },
            aborting: {
              description: 'The time is up: signals abort, and what is not confirmed is given up.',
              // The consumer first: it counts what is still open.
              entry: ['noteTimedOut', 'abortConsumer', 'abortSubscriptions', 'abortPublishes'],
              always: { guard: 'hasNoConsumer', target: 'closing' },
              on: { 'consumer.stopped': { target: 'closing', actions: 'removeConsumer' } },
            },
            closing: {
              entry: ['drainSubscriptions', 'closeConnection'],
              always: { guard: 'hasNoConnectionActor', target: '#bus.lifecycle.stopped' },
              after: { closeTimeout: '#bus.lifecycle.stopped' },
              on: { 'connection.closed': '#bus.lifecycle.stopped' },
            },
          },
        },
        stopped: {
          description: 'Over: no actor, socket or timer is left.',
          type: 'final',
        },
        failed: {
          description:
            'The broker refuses this bus, such as for its credentials; it does not try again by itself.',
          tags: ['failed'],
          entry: ['abortConsumer', 'abortSubscriptions', 'abortPublishes', 'stopConnection'],
          on: {
            connect: 'connecting',
            publish: { actions: 'refuse' },
            'consumer.stopped': { actions: 'removeConsumer' },
          },
        },
      },
    },
    deadLetters: {
      initial: 'none',
      states: {
        none: {
          description: 'No dead letter is on its way.',
          always: { guard: 'isStopped', target: 'closed' },
          on: { 'deadLetters.begun': 'deadLettering' },
        },
        deadLettering: {
          description: 'At least one dead letter is being stored.',
          tags: ['deadLettering'],
          always: { guard: 'isStopped', target: 'closed' },
          on: { 'deadLetters.over': 'none' },
        },
        closed: { type: 'final' },
      },
    },
  },
  output: ({ context }) => context.report,
});

/** {@link busMachine} with `publish` on the fast path while it consumes. */
export const busLogic = withFastPath(busMachine, {
  publish: (snapshot, { request }, { self }) => {
    if (snapshot.value.lifecycle !== 'consuming') return false;
    snapshot.context.publisher.accept(request, self);
    return true;
  },
});
