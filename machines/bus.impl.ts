import { assign, enqueueActions, sendTo, setup, spawnChild, stateIn } from 'xstate';
import {
  awaitPublished,
  NOTHING_DRAINED,
  SUBSCRIPTION,
  type BusContext,
  type BusEvent,
  type BusInput,
  type DrainReport,
} from './bus-input.ts';
import { connectionMachine } from './connection.ts';
import { consumerLogic } from './consumer-logic.ts';
import { subscriptionMachine } from './subscription.ts';

const CLOSE_TIMEOUT_MS = 1500;

/** What the bus machine can do; its chart is in bus.ts. */
export const busSetup = setup({
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
          notice: context.notice,
          connectFailed: context.connectFailed,
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
    notePaused: assign({ isPaused: true }),
    noteResumed: assign({ isPaused: false }),
    passPause: enqueueActions(({ context, event, enqueue }) => {
      if (context.hasConsumer) enqueue.sendTo('consumer', event as never);
    }),
    tellLost: ({ context }) => context.lost(context.error),
    tellFailed: ({ context }) => context.failed(context.error),
    passToConsumer: sendTo('consumer', ({ event }) => event as never),
    spawnConsumer: enqueueActions(({ context, enqueue }) => {
      if (context.hasConsumer) return;
      enqueue.spawnChild('consumer', {
        id: 'consumer',
        input: { ...context.consumer(), connection: context.connection },
      });
      if (context.isPaused) enqueue.sendTo('consumer', { type: 'pause' });
      enqueue.assign({ hasConsumer: true, refusal: undefined, report: NOTHING_DRAINED });
    }),
    removeConsumer: enqueueActions(({ context, event, enqueue }) => {
      if (event.type !== 'consumer.stopped') return;
      enqueue.stopChild('consumer');
      if (event.error !== undefined) enqueue(() => context.consumerEnded(event.error));
      enqueue.assign({
        hasConsumer: false,
        refusal: event.error,
        report: {
          ...context.report,
          ...event.counts,
          timedOut: context.report.timedOut || event.timedOut,
        },
      });
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
      const { actorId, error } = event as unknown as { actorId: string; error?: unknown };
      enqueue.stopChild(actorId);
      // It never ends by itself: it has broken.
      if (actorId === 'consumer')
        enqueue.raise({
          type: 'consumer.stopped',
          counts: { settled: 0, released: 0, aborted: 0 },
          timedOut: false,
          error,
        });
      if (actorId === 'connection') enqueue.assign({ hasConnectionActor: false, connection: undefined });
    }),
    noteConsuming: assign({ isConsumerReady: ({ event }) => event.type === 'consumer.consuming' }),
    noteActorError: assign({ error: ({ event }) => (event as { error?: unknown }).error }),
    // A paused handler holds deliveries that have begun, and a drain waits for those.
    resumeSubscriptions: enqueueActions(({ enqueue, self }) => {
      for (const id of Object.keys(self.getSnapshot().children))
        if (id.startsWith(SUBSCRIPTION)) enqueue.sendTo(id, { type: 'resume' });
    }),
    drainSubscriptions: enqueueActions(({ enqueue, self }) => {
      for (const id of Object.keys(self.getSnapshot().children))
        if (id.startsWith(SUBSCRIPTION)) enqueue.sendTo(id, { type: 'drain' });
    }),
    publish: ({ context, event, self }) => {
      if (event.type === 'publish') context.publisher.accept(event.request, self);
    },
    refuse: ({ context, event }) => {
      if (event.type === 'publish') context.publisher.refuse(event.request, context.error);
    },
    noteShutdown: assign({
      report: NOTHING_DRAINED,
      drainTimeoutMs: ({ event }) => (event.type === 'shutdown' ? event.timeoutMs : 0),
    }),
    abortPublishes: assign({
      report: ({ context }) => ({
        ...context.report,
        unpublished: context.report.unpublished + context.publisher.abort(context.error),
      }),
    }),
    noteTimedOut: assign({ report: ({ context }) => ({ ...context.report, timedOut: true }) }),
    closeConnection: enqueueActions(({ context, enqueue }) => {
      if (context.hasConnectionActor) enqueue.sendTo('connection', { type: 'close' });
    }),
    stopConnection: enqueueActions(({ enqueue }) => {
      enqueue.stopChild('connection');
      enqueue.assign({ hasConnectionActor: false, connection: undefined });
    }),
  },
});
