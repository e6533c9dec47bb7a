import { assertEvent, assign, cancel, enqueueActions, setup } from 'xstate';
import type { Outcome } from './dispatch.ts';
import {
  actors,
  delays,
  end,
  endDeferred,
  endRetries,
  guards,
  note,
  runAgain,
  tells,
  timerId,
  type DeliveryContext,
  type DeliveryEvent,
  type DeliveryInput,
} from './delivery.impl.ts';
import { Runs } from './runs.ts';

export type { DeliveryEvent, DeliveryInput } from './delivery.impl.ts';

/**
 * One delivery that a handler failed, or whose settlement is decided before any handler ran, from there to its
 * settlement: the only place that retries, dead-letters and releases. A delivery whose handlers all succeed at once
 * never gets such an actor.
 */
export const deliveryMachine = setup({
  types: {
    context: {} as DeliveryContext,
    input: {} as DeliveryInput,
    events: {} as DeliveryEvent,
    output: {} as Outcome,
  },
  actors,
  guards,
  delays,
  actions: {
    noteResult: enqueueActions(({ context, event, enqueue }) => {
      assertEvent(event, 'handled');
      const decision = note(context, event, true);
      const due = [...context.runs.keepDeferrable()];
      if (decision?.kind === 'retry' && context.settings.defer === undefined)
        due.push({ subscription: event.subscription, delayMs: decision.delayMs });
      for (const { subscription, delayMs } of due)
        enqueue.raise({ type: 'retry.due', subscription }, { id: timerId(subscription), delay: delayMs });
    }),
    // Where the delivery can be released, who waits is released; elsewhere this was the last attempt.
    noteLastResult: enqueueActions(({ context, event }) => {
      assertEvent(event, 'handled');
      note(context, event, context.settings.canRelease);
    }),
    runAgain: enqueueActions(({ context, event }) => {
      assertEvent(event, 'retry.due');
      runAgain(context, event.subscription);
    }),
    runWaitingNow: enqueueActions(({ context, enqueue }) => {
      for (const subscription of context.runs.waiting) {
        enqueue(cancel(timerId(subscription)));
        runAgain(context, subscription);
      }
    }),
    putBack: enqueueActions(({ context, event }) => {
      assertEvent(event, 'retry.refused');
      context.runs.putBack(event.subscription);
      context.settings.troubles.retryBegun(event.subscription);
    }),
    cancelRetry: enqueueActions(({ context, event, enqueue }) => {
      assertEvent(event, 'handler.removed');
      if (!context.runs.waiting.includes(event.subscription)) return;
      enqueue(cancel(timerId(event.subscription)));
      endRetries(context, [event.subscription]);
      context.runs.cancel(event.subscription);
    }),
    ...tells,
    noteStored: assign({
      outcome: ({ event }) => (event as unknown as { output: 'dead-lettered' | 'dropped' }).output,
    }),
    noteStoreFailed: assign({
      storeAttempts: ({ context, event }) => {
        const { error } = event as unknown as { error: unknown };
        context.settings.storeFailed(context.dispatch, error);
        context.settings.troubles.storeProblem = error instanceof Error ? error.message : String(error);
        return context.storeAttempts + 1;
      },
    }),
    acknowledge: ({ context }) => context.dispatch.delivery?.ack(),
    endDeferred: ({ context }) => endDeferred(context),
    endSettled: ({ context }) => end(context, context.outcome),
    noteReleased: assign({ outcome: 'released' }),
    noteAbandoned: assign({ outcome: 'abandoned' }),
    // Nothing follows for who still waits for an attempt.
    endGivenUp: ({ context }) => {
      endRetries(context);
      end(context, context.outcome);
    },
  },
}).createMachine({
  id: 'delivery',
  description: 'Sees one delivery in trouble through to its one settlement.',
  context: ({ input }) => ({ ...input, runs: new Runs(), storeAttempts: 0, outcome: 'acked' }),
  initial: 'arriving',
  on: { abandon: '.abandoned' },
  states: {
    arriving: {
      description: 'Waits to be told which handler failed.',
      always: { guard: 'isDecided', target: 'deadLettering' },
      on: { handled: { target: 'handling', actions: 'noteResult' } },
    },
    handling: {
      description: 'At least one attempt runs; others may wait for theirs.',
      on: {
        handled: { actions: 'noteResult' },
        'retry.due': { actions: 'runAgain' },
        // Its consumer drains or its broker wants it back, which the attempts that wait for a slot are told first.
        'retry.refused': { actions: 'putBack' },
        'handler.removed': { actions: 'cancelRetry' },
        drain: 'finishing',
      },
      always: [
        { guard: 'hasRunning' },
        { guard: 'isDeferrable', target: 'deferring' },
        { guard: 'hasWaiting', target: 'retrying' },
        { guard: 'hasFailed', target: 'deadLettering' },
        { target: 'acking' },
      ],
    },
    retrying: {
      description: 'No attempt runs; at least one waits for its backoff.',
      tags: ['retrying'],
      on: {
        'retry.due': { target: 'handling', actions: 'runAgain' },
        'handler.removed': { target: 'handling', actions: 'cancelRetry' },
        // Its broker has taken it back already, as nothing of it runs.
        recall: 'released',
        drain: [
          { guard: 'canRelease', target: 'releasing' },
          { target: 'finishing', actions: 'runWaitingNow' },
        ],
      },
    },
    deferring: {
      description: 'Puts the next attempt where the broker hands it out again after its delay.',
      tags: ['retrying'],
      initial: 'storing',
      states: {
        storing: {
          description: 'A copy is on its way to the broker.',
          invoke: {
            src: 'defer',
            input: ({ context }) => context,
            onDone: '#delivery.deferred',
            onError: { target: 'waiting', actions: 'noteStoreFailed' },
          },
        },
        waiting: {
          description: 'The broker did not take it; waits before the next try.',
          tags: ['degraded'],
          entry: 'tellDeferFailing',
          exit: 'tellDeferAgain',
          after: { storeBackoff: 'storing' },
        },
      },
    },
    finishing: {
      description: 'Draining: what runs may end, and no further attempt is scheduled.',
      tags: ['draining'],
      on: {
        handled: { actions: 'noteLastResult' },
        'handler.removed': { actions: 'cancelRetry' },
      },
      always: [
        { guard: 'hasRunning' },
        { guard: 'mustRelease', target: 'releasing' },
        // Waited when the drain came, and nobody else could take it: its turn is now.
        { guard: 'hasWaiting', target: 'finishing', actions: 'runWaitingNow' },
        { guard: 'hasFailed', target: 'deadLettering' },
        { target: 'acking' },
      ],
    },
    deadLettering: {
      description: 'Keeps its lane until the dead letter is stored, however long that takes.',
      tags: ['deadLettering'],
      entry: 'tellDeadLettering',
      exit: 'tellDeadLettered',
      initial: 'storing',
      states: {
        storing: {
          description: 'On its way to the broker.',
          invoke: {
            src: 'storeDeadLetter',
            input: ({ context }) => context,
            onDone: [
              {
                guard: 'mustAcknowledge',
                target: '#delivery.deadLettered',
                actions: ['noteStored', 'acknowledge'],
              },
              { target: '#delivery.deadLettered', actions: 'noteStored' },
            ],
            // No copy is stored yet, so an acknowledgement would lose the event.
            onError: { target: 'waiting', actions: 'noteStoreFailed' },
          },
        },
        waiting: {
          description: 'The broker did not take it; waits before the next try.',
          tags: ['degraded'],
          entry: 'tellLetterFailing',
          exit: 'tellLetterAgain',
          after: { storeBackoff: 'storing' },
        },
      },
    },
    releasing: {
      description: 'Gives the delivery back unsettled, so that another consumer has it at once.',
      invoke: {
        src: 'release',
        input: ({ context }) => context,
        onDone: 'released',
        // Not certain: it stays ours until the lease ends, and comes back then.
        onError: 'abandoned',
      },
    },
    acking: { description: 'Every handler has ended well.', always: 'acked' },
    acked: { description: 'The group never gets it again.', type: 'final', entry: 'endSettled' },
    deadLettered: {
      description: 'Stored as a dead letter, or dropped where there are none.',
      type: 'final',
      entry: 'endSettled',
    },
    deferred: {
      description: 'The copy is stored, so this one is acknowledged.',
      type: 'final',
      entry: 'endDeferred',
    },
    released: {
      description: 'The broker has it again.',
      type: 'final',
      entry: ['noteReleased', 'endGivenUp'],
    },
    abandoned: {
      description: 'Ownership is lost or given up; no settlement may follow.',
      type: 'final',
      entry: ['noteAbandoned', 'endGivenUp'],
    },
  },
  output: ({ context }) => context.outcome,
});
