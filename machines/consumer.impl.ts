import { assertEvent, assign, enqueueActions, raise, sendParent, sendTo, setup, stopChild } from 'xstate';
import {
  STALLED,
  askLag,
  closeSource,
  drainCounts,
  endOfReading,
  pump,
  stopSource,
  tellReadingAnew,
  widen,
  type ConsumerContext,
  type ConsumerEvent,
  type ConsumerInput,
} from './consumption.ts';
import { deliveriesLogic } from './deliveries.ts';
import { backoffMs } from './settlement.ts';

const SUBSCRIBE_BACKOFF = { baseDelayMs: 200, maxDelayMs: 10_000, jitter: 0.3 };
const PROGRESS_CHECK_MS = 30_000;

/** What the consumer machine can do; its chart is in consumer.ts. */
export const consumerSetup = setup({
  types: {
    context: {} as ConsumerContext,
    input: {} as ConsumerInput,
    events: {} as ConsumerEvent,
    children: {} as { deliveries: 'deliveries'; source: 'pump' },
  },
  actors: { deliveries: deliveriesLogic, pump, stopSource, closeSource, askLag },
  delays: {
    subscribeBackoff: ({ context }) =>
      backoffMs(Math.max(1, context.subscribeAttempts), SUBSCRIBE_BACKOFF, context.random),
    drainTimeout: ({ context }) => Math.min(context.drainTimeoutMs, 2 ** 31 - 1),
    progressCheck: PROGRESS_CHECK_MS,
  },
  guards: {
    isEmbedded: ({ context }) => context.group === undefined,
    hasConnection: ({ context }) => context.connection !== undefined,
    isIdle: ({ context }) => context.flow.isIdle,
    // Without subscriptions it pulls nothing, whatever there is.
    isQuiet: ({ context: { flow, pulledBefore } }) =>
      flow.isWanted && flow.open === 0 && flow.pulled === pulledBefore,
    isRetrying: ({ context }) => context.deliveries === 'retrying',
    isDeadLettering: ({ context }) => context.deliveries === 'deadLettering',
    isFailingToDefer: ({ context }) => context.deliveries === 'deferFailing',
    isFailingToStore: ({ context }) => context.deliveries === 'deadLetterFailing',
    hasLag: ({ event }) => (event as unknown as { output: number }).output > 0,
    isBlocked: ({ event }) => event.type === 'lanes.changed' && event.isBlocked,
  },
  actions: {
    spawnDeliveries: enqueueActions(({ context, enqueue, self }) => {
      enqueue.spawnChild('deliveries', { id: 'deliveries', input: { settings: context.deliverySettings } });
      enqueue(({ self: consumer }) => {
        const { deliveries } = consumer.getSnapshot().children;
        if (deliveries !== undefined) context.flow.attach(consumer, deliveries);
      });
      context.flow.listen({
        ready: () => self.send({ type: 'advance' }),
        idle: () => self.send({ type: 'idle' }),
        blocked: (isBlocked) => self.send({ type: 'lanes.changed', isBlocked }),
      });
    }),
    hold: ({ context, event }) => {
      if (event.type === 'deliveries') context.flow.hold(event.batch);
    },
    startReady: ({ context }) => context.flow.startReady(),
    // By way of the fast path: XState warns of actors that are made while a machine's own action runs.
    startSoon: ({ self }) => self.send({ type: 'advance' }),
    drainFlow: ({ context }) => context.flow.drain(),
    noteDeliveries: assign({
      deliveries: ({ context, event }) =>
        event.type === 'deliveries.changed' ? event.now : context.deliveries,
    }),
    noteConnection: assign({
      connection: ({ context, event }) =>
        event.type === 'connection.opened' ? event.connection : context.connection,
    }),
    forgetConnection: assign({ connection: undefined, lastProblem: 'connection lost' }),
    noteSource: assign({
      source: ({ context, event }) => {
        if (event.type !== 'source.opened') return context.source;
        context.flow.window = event.source.window;
        return event.source;
      },
    }),
    noteSourceEnded: enqueueActions(({ context, event, enqueue }) => {
      const lastProblem = endOfReading(event);
      // The same again and again is worth one line; a connection that was lost has had its own.
      const isRepeated = lastProblem === context.lastProblem;
      enqueue.assign({ subscribeAttempts: context.subscribeAttempts + 1, lastProblem });
      enqueue(() => tellReadingAnew(context, 'reading-ended', lastProblem, isRepeated));
    }),
    noteStalled: enqueueActions(({ context, enqueue }) => {
      enqueue.assign({ lastProblem: STALLED });
      enqueue(() => tellReadingAnew(context, 'stalled', STALLED));
    }),
    // Whoever else took it: nothing is held up any more.
    forgetStall: assign({
      lastProblem: ({ context }) => (context.lastProblem === STALLED ? undefined : context.lastProblem),
    }),
    // What was pulled since shows that reading goes well, whatever was wrong before.
    noteProgress: assign({
      pulledBefore: ({ context }) => context.flow.pulled,
      lastProblem: ({ context }) =>
        context.flow.pulled > context.pulledBefore ? undefined : context.lastProblem,
    }),
    // What ends it each time in the same way, as soon as it has begun, must not be met again without a longer pause.
    noteBegun: assign({
      subscribeAttempts: ({ context, event }) =>
        endOfReading(event) === context.lastProblem ? context.subscribeAttempts : 0,
    }),
    noteDraining: assign({
      countsBefore: ({ context }) => ({ ...context.flow.counts }),
      drainTimeoutMs: ({ event }) => (event.type === 'drain' ? event.timeoutMs : Infinity),
    }),
    openSource: enqueueActions(({ context, enqueue }) => {
      enqueue.stopChild('source');
      enqueue.spawnChild('pump', { id: 'source', input: context });
    }),
    closePump: stopChild('source'),
    raiseStalled: raise({ type: 'source.stalled' }),
    pauseSource: ({ context }) => {
      context.flow.lock();
      context.source?.pause();
    },
    unlock: ({ context }) => context.flow.unlock(),
    // What is cut off here is another consumer's as soon as its lease ends: renewing it would keep it for ever.
    abandonOpen: ({ context }) => {
      context.flow.abandonAll();
      void context.source?.close().catch(() => undefined);
    },
    // What nobody here would handle is left to the other members of the group.
    matchDemand: ({ context }) => {
      if (context.flow.isWanted) context.source?.resume();
      else context.source?.pause();
    },
    widen: ({ context }) => void widen(context).catch(() => undefined),
    drainDeliveries: sendTo('deliveries', { type: 'drain' }),
    passHandlerRemoved: sendTo('deliveries', ({ event }) => {
      assertEvent(event, 'handler.removed');
      return event;
    }),
    tellConsuming: sendParent({ type: 'consumer.consuming' }),
    tellInterrupted: sendParent({ type: 'consumer.interrupted' }),
    tellDeadLettering: sendParent({ type: 'deadLetters.begun' }),
    tellDeadLettered: sendParent({ type: 'deadLetters.over' }),
    tellDrained: sendParent(({ context }) => ({
      type: 'consumer.stopped',
      counts: drainCounts(context, false),
      timedOut: false,
    })),
    tellRefused: sendParent(({ context, event }) => ({
      type: 'consumer.stopped',
      counts: drainCounts(context, true),
      timedOut: !context.flow.isIdle,
      error: (event as { error?: unknown }).error,
    })),
    tellAborted: sendParent(({ context }) => ({
      type: 'consumer.stopped',
      counts: drainCounts(context, true),
      // Also where nothing is open any more: then not every settlement is known to be stored.
      timedOut: true,
    })),
  },
});
