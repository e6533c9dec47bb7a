import { consumerSetup } from './consumer.impl.ts';
import { contextOf } from './consumption.ts';

/** Pulls what a group is given and hands it to the handlers, only so much at once. It decides nothing about a delivery. */
export const consumerMachine = consumerSetup.createMachine({
  id: 'consumer',
  description:
    'One consumer of one group: lanes, a bounded number at once, and back-pressure by not pulling.',
  context: ({ input }) => contextOf(input),
  entry: 'spawnDeliveries',
  type: 'parallel',
  on: {
    'deliveries.changed': { actions: 'noteDeliveries' },
    'handler.removed': { actions: 'passHandlerRemoved' },
    'source.opened': { actions: ['noteSource', 'matchDemand'] },
    // Without it an error of a child would end the process.
    'xstate.error.actor.*': {},
  },
  states: {
    lifecycle: {
      description: 'Whether it pulls, and starts what it has pulled.',
      initial: 'connecting',
      on: {
        abort: { target: '.stopped', actions: ['tellAborted', 'abandonOpen'] },
        'source.refused': { target: '.stopped', actions: ['tellRefused', 'abandonOpen'] },
      },
      states: {
        connecting: {
          description: 'Waits for the connection, then for the group and the first read.',
          tags: ['connecting'],
          entry: 'tellInterrupted',
          initial: 'waiting',
          on: {
            drain: 'draining',
            deliveries: { actions: 'hold' },
            'connection.lost': { target: '.waiting', actions: 'forgetConnection' },
          },
          states: {
            waiting: {
              description: 'For a connection.',
              entry: 'closePump',
              always: [
                { guard: 'isEmbedded', target: '#consumer.lifecycle.consuming' },
                { guard: 'hasConnection', target: 'subscribing' },
              ],
              on: {
                'connection.opened': { target: 'subscribing', actions: 'noteConnection' },
                pause: '#consumer.lifecycle.paused.detached',
              },
            },
            subscribing: {
              description: 'The group is made or joined; what a former incarnation left may come already.',
              entry: 'openSource',
              on: {
                // It may be more than the window holds, and the source isn't ready before it has handed out all of it.
                deliveries: { actions: ['hold', 'startSoon'] },
                advance: { actions: 'startReady' },
                'source.ready': '#consumer.lifecycle.consuming',
                'source.ended': { target: 'backingOff', actions: 'noteSourceEnded' },
                pause: '#consumer.lifecycle.paused.attached',
              },
            },
            backingOff: {
              description: 'Waits before it subscribes again.',
              tags: ['degraded'],
              after: { subscribeBackoff: 'waiting' },
              on: {
                'connection.opened': { target: 'subscribing', actions: 'noteConnection' },
                pause: '#consumer.lifecycle.paused.detached',
              },
            },
          },
        },
        consuming: {
          description: 'Deliveries come, and are started as slots are free.',
          tags: ['consuming'],
          entry: ['unlock', 'matchDemand', 'widen', 'startSoon', 'tellConsuming'],
          on: {
            'subscriptions.changed': { actions: ['matchDemand', 'widen'] },
            deliveries: { actions: ['hold', 'startReady'] },
            advance: { actions: 'startReady' },
            pause: 'paused',
            drain: 'draining',
            'connection.lost': { target: 'connecting', actions: 'forgetConnection' },
            'source.ended': { target: 'connecting.backingOff', actions: ['noteBegun', 'noteSourceEnded'] },
            'source.stalled': 'stalled',
          },
        },
        stalled: {
          description: 'The broker had more and sent nothing: reading starts over.',
          tags: ['degraded'],
          entry: 'noteStalled',
          always: 'connecting',
        },
        paused: {
          description: 'Nothing is pulled or started; what runs goes on.',
          tags: ['paused'],
          initial: 'attached',
          on: { drain: 'draining', deliveries: { actions: 'hold' } },
          states: {
            attached: {
              description: 'The source stands, and rests.',
              entry: 'pauseSource',
              on: {
                resume: { target: '#consumer.lifecycle.consuming' },
                'source.opened': { actions: ['noteSource', 'pauseSource'] },
                'connection.lost': { target: 'detached', actions: 'forgetConnection' },
                'source.ended': { target: 'detached', actions: 'noteSourceEnded' },
              },
            },
            detached: {
              description: 'There is no source at the moment.',
              entry: 'closePump',
              after: {
                subscribeBackoff: { guard: 'hasConnection', target: 'attached', actions: 'openSource' },
              },
              on: {
                resume: '#consumer.lifecycle.connecting',
                'connection.lost': { actions: 'forgetConnection' },
                'connection.opened': { target: 'attached', actions: ['noteConnection', 'openSource'] },
              },
            },
          },
        },
        draining: {
          description: 'What has begun ends, what waits is given back, nothing new is begun.',
          tags: ['draining'],
          // Paused first: it would pull again what it gives back.
          entry: ['noteDraining', 'pauseSource', 'drainDeliveries', 'drainFlow'],
          initial: 'stopping',
          after: { drainTimeout: { target: 'stopped', actions: ['tellAborted', 'abandonOpen'] } },
          on: {
            deliveries: { actions: ['hold', 'drainFlow'] },
            advance: { actions: 'drainFlow' },
            'connection.opened': { actions: 'noteConnection' },
          },
          states: {
            stopping: {
              description: 'The source ends; no further batch comes.',
              invoke: {
                src: 'stopSource',
                input: ({ context }) => context,
                onDone: 'finishing',
                onError: 'finishing',
              },
            },
            finishing: {
              description: 'Waits for the deliveries that have begun.',
              always: { guard: 'isIdle', target: 'closing' },
              on: { idle: { guard: 'isIdle', target: 'closing' } },
            },
            closing: {
              description: 'Waits until every settlement is stored.',
              invoke: {
                src: 'closeSource',
                input: ({ context }) => context,
                onDone: { target: '#consumer.lifecycle.stopped', actions: 'tellDrained' },
                onError: { target: '#consumer.lifecycle.stopped', actions: 'tellDrained' },
              },
            },
          },
        },
        stopped: { description: 'Holds nothing of the broker any more.', entry: 'closePump' },
      },
    },
    deliveries: {
      description: 'What its deliveries do at worst.',
      initial: 'flowing',
      states: {
        flowing: {
          description: 'None is in trouble.',
          always: [
            { guard: 'isFailingToStore', target: 'deadLettering.failing' },
            { guard: 'isFailingToDefer', target: 'retrying.failing' },
            { guard: 'isDeadLettering', target: 'deadLettering' },
            { guard: 'isRetrying', target: 'retrying' },
          ],
        },
        retrying: {
          description: 'At least one delivery waits for another attempt; others flow.',
          tags: ['retrying'],
          initial: 'waiting',
          on: { 'deliveries.changed': { target: 'flowing', actions: 'noteDeliveries' } },
          states: {
            waiting: { description: 'For its time to come.' },
            failing: { description: 'The broker takes no retry that is to wait there.', tags: ['degraded'] },
          },
        },
        deadLettering: {
          description: 'At least one dead letter is being stored.',
          tags: ['deadLettering'],
          entry: 'tellDeadLettering',
          exit: 'tellDeadLettered',
          initial: 'storing',
          on: { 'deliveries.changed': { target: 'flowing', actions: 'noteDeliveries' } },
          states: {
            storing: { description: 'On its way to the broker.' },
            failing: { description: 'The broker does not take it; its lane is held.', tags: ['degraded'] },
          },
        },
      },
    },
    lanes: {
      description: 'Whether anything can move.',
      initial: 'moving',
      states: {
        moving: {
          description: 'The window has room, or something in it runs.',
          on: { 'lanes.changed': { guard: 'isBlocked', target: 'blocked' } },
        },
        blocked: {
          description: 'The window is full of deliveries that wait behind retrying ones of their keys.',
          tags: ['degraded', 'lane-blocked'],
          on: { 'lanes.changed': 'moving' },
        },
      },
    },
    progress: {
      description: 'Finds out when the broker has more and sends nothing.',
      initial: 'watching',
      states: {
        watching: {
          description: 'Looks now and then whether something came.',
          always: { guard: 'isEmbedded', target: 'unwatched' },
          after: {
            progressCheck: [
              { guard: 'isQuiet', target: 'suspecting' },
              { target: 'watching', reenter: true, actions: 'noteProgress' },
            ],
          },
        },
        suspecting: {
          description: 'Nothing came for a while: asks whether there is lag.',
          invoke: {
            src: 'askLag',
            input: ({ context }) => context,
            onDone: [
              { guard: 'hasLag', target: 'watching', actions: 'raiseStalled' },
              { target: 'watching', actions: 'forgetStall' },
            ],
            onError: 'watching',
          },
        },
        unwatched: { description: 'Nothing is pulled on the embedded bus.' },
      },
    },
  },
});
