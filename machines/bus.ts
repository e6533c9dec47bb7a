import { busSetup } from './bus.impl.ts';
import { NOTHING_DRAINED } from './bus-input.ts';
import { withFastPath } from './fast-path.ts';

/** The whole bus: owns its connection, its consumer and its subscriptions, and ends them in the right order. */
export const busMachine = busSetup.createMachine({
  id: 'bus',
  description: 'An event bus from its construction to its end.',
  context: ({ input }) => ({
    ...input,
    connection: undefined,
    hasConnectionActor: false,
    hasConsumer: false,
    isConsumerReady: false,
    isPaused: false,
    drainTimeoutMs: 0,
    report: NOTHING_DRAINED,
    refusal: undefined,
    error: undefined,
  }),
  type: 'parallel',
  on: {
    subscribe: { actions: 'spawnSubscription' },
    pause: { actions: ['notePaused', 'passPause'] },
    resume: { actions: ['noteResumed', 'passPause'] },
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
      description: 'What the bus does as a whole.',
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
            'connection.lost': { target: 'retrying', actions: ['noteLost', 'tellLost'] },
          },
        },
        consuming: {
          description: 'Publishes, and has a consumer.',
          tags: ['consuming'],
          on: {
            publish: { actions: 'publish' },
            stopConsuming: { actions: 'drainConsumer' },
            'consumer.stopped': { target: 'connected', actions: 'removeConsumer' },
            'connection.lost': { target: 'retrying', actions: ['noteLost', 'tellLost', 'passToConsumer'] },
          },
        },
        retrying: {
          description: 'The connection was lost and is being opened again; what is published waits.',
          tags: ['retrying', 'degraded'],
          on: {
            publish: { actions: 'publish' },
            consume: { actions: 'spawnConsumer' },
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
              // The consumer first: what a pause held back counts as drained.
              entry: ['drainConsumerIfAny', 'resumeSubscriptions'],
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
              description: 'Subscriptions and connection are given up.',
              entry: ['drainSubscriptions', 'closeConnection'],
              // By its done event: one more sent to a bus that has stopped would be warned about on the console.
              always: { guard: 'hasNoConnectionActor', target: '#bus.lifecycle.stopped' },
              after: { closeTimeout: '#bus.lifecycle.stopped' },
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
          entry: ['tellFailed', 'abortConsumer', 'abortSubscriptions', 'abortPublishes', 'stopConnection'],
          on: {
            connect: 'connecting',
            publish: { actions: 'refuse' },
            'consumer.stopped': { actions: 'removeConsumer' },
          },
        },
      },
    },
    publishing: {
      description: 'Whether the broker takes what is published.',
      initial: 'flowing',
      states: {
        flowing: {
          description: 'It does, as far as is known.',
          always: { guard: 'isStopped', target: 'closed' },
          on: { 'connection.blocked': 'blocked' },
        },
        blocked: {
          description: 'It has told that it does not, for want of memory or disk; what is published waits.',
          tags: ['blocked', 'degraded'],
          always: { guard: 'isStopped', target: 'closed' },
          on: { 'connection.unblocked': 'flowing' },
        },
        closed: { description: 'The bus has stopped.', type: 'final' },
      },
    },
    deadLetters: {
      description: 'Whether dead letters are being stored, beside everything else.',
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
        closed: { description: 'The bus has stopped.', type: 'final' },
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
