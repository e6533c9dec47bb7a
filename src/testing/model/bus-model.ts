import { modelSetup } from './bus-model.impl.ts';
import type { Bounds } from './happenings.ts';
import type { Promises } from './messages.ts';

/**
 * A bus with one consumer, as its user sees it: written from what is promised, and not from the machines that keep it.
 * Time, handlers and faults are events, and what the broker must hold is in its context.
 */
export function busModel(promises: Promises, bounds: Bounds) {
  return modelSetup(promises, bounds).createMachine({
    id: 'model',
    description: 'One group of one destination, a publisher, and at most one consumer.',
    context: { messages: [], isPaused: false, report: undefined, interruptions: 0 },
    initial: 'absent',
    states: {
      absent: {
        description: 'There is no consumer: none was started, or the last one has gone.',
        exit: 'forgetReport',
        on: {
          publish: { guard: 'mayPublish', actions: ['store', 'forgetReport'] },
          replay: { guard: 'mayReplay', actions: ['replay', 'forgetReport'] },
          start: { target: 'consuming', actions: 'begin' },
        },
      },
      consuming: {
        description: 'Handlers are called with what comes.',
        on: {
          publish: { guard: 'mayPublish', actions: ['store', 'begin'] },
          'handler.ends': { guard: 'isRunning', actions: ['end', 'begin'] },
          'backoff.elapses': { guard: 'waits', actions: ['makeDue', 'begin'] },
          replay: { guard: 'mayReplay', actions: ['replay', 'begin'] },
          pause: { target: 'paused', actions: 'pause' },
          stopConsuming: [
            { guard: 'mustAwait', target: 'stopping', actions: 'drain' },
            { guard: 'mayDrain', target: 'connected', actions: 'drain' },
          ],
          shutdown: [
            { guard: 'mustAwait', target: 'draining', actions: 'drain' },
            { guard: 'mayDrain', target: 'absent', actions: 'drain' },
          ],
          'consumer.crashes': { guard: 'mayCrash', target: 'absent', actions: 'giveBack' },
          'connection.lost': { guard: 'mayLose', target: 'away', actions: 'loseConnection' },
        },
      },
      paused: {
        description: 'Nothing is begun; what runs goes on.',
        on: {
          publish: { guard: 'mayPublish', actions: 'store' },
          'handler.ends': { guard: 'isRunning', actions: 'end' },
          'backoff.elapses': { guard: 'waits', actions: 'makeDue' },
          replay: { guard: 'mayReplay', actions: 'replay' },
          resume: { target: 'consuming', actions: ['resume', 'begin'] },
          stopConsuming: [
            { guard: 'mustAwait', target: 'stopping', actions: 'drain' },
            { guard: 'mayDrain', target: 'connected', actions: 'drain' },
          ],
          shutdown: [
            { guard: 'mustAwait', target: 'draining', actions: ['drain', 'resume'] },
            { guard: 'mayDrain', target: 'absent', actions: ['drain', 'resume'] },
          ],
          'consumer.crashes': { guard: 'mayCrash', target: 'absent', actions: ['giveBack', 'resume'] },
          'connection.lost': { guard: 'mayLose', target: 'away.paused', actions: 'loseConnection' },
        },
      },
      away: {
        description: 'The connection is lost, and what is published waits at its publisher.',
        on: {
          publish: { guard: 'mayPublish', actions: 'queue' },
          'handler.ends': { guard: 'isRunning', actions: 'endAway' },
          'backoff.elapses': { guard: 'waits', actions: 'makeDue' },
        },
        initial: 'consuming',
        states: {
          consuming: {
            description: 'It goes on by itself when the connection returns.',
            on: {
              'connection.returns': { target: '#model.consuming', actions: ['reconnect', 'begin'] },
              pause: { target: 'paused', actions: 'pause' },
              stopConsuming: [
                { guard: 'mustAwaitAway', target: 'stopping', actions: 'drainAway' },
                { guard: 'mayDrainAway', target: 'connected', actions: 'drainAway' },
              ],
              shutdown: [
                { guard: 'mustAwaitAway', target: 'draining', actions: 'drainAway' },
                { guard: 'mayDrainAway', target: 'absent', actions: 'drainAway' },
              ],
            },
          },
          paused: {
            description: 'It stays paused when the connection returns.',
            on: {
              'connection.returns': { target: '#model.paused', actions: 'reconnect' },
              resume: { target: 'consuming', actions: 'resume' },
              stopConsuming: [
                { guard: 'mustAwaitAway', target: 'stopping', actions: 'drainAway' },
                { guard: 'mayDrainAway', target: 'connected', actions: 'drainAway' },
              ],
              shutdown: [
                { guard: 'mustAwaitAway', target: 'draining', actions: ['drainAway', 'resume'] },
                { guard: 'mayDrainAway', target: 'absent', actions: ['drainAway', 'resume'] },
              ],
            },
          },
          stopping: {
            description: 'Stops consuming: what runs may end, and what is over waits to be stored.',
            on: {
              'handler.ends': [
                { guard: 'isLastAwaitedAway', target: 'connected', actions: 'endDrainingAway' },
                { guard: 'mayEndAway', actions: 'endDrainingAway' },
                // Or it would end as it does where nothing drains.
                {},
              ],
              'connection.returns': [
                { guard: 'hasRunning', target: '#model.stopping', actions: 'reconnectDraining' },
                { target: '#model.connected', actions: 'reconnectDraining' },
              ],
              'timeout.expires': { guard: 'mayAbort', target: 'connected', actions: 'abort' },
              shutdown: { target: 'draining', actions: 'resume' },
            },
          },
          draining: {
            description: 'Shuts down: what runs may end, and what is over waits to be stored.',
            on: {
              'handler.ends': [
                { guard: 'isLastAwaitedAway', target: 'absent', actions: 'endDrainingAway' },
                { guard: 'mayEndAway', actions: 'endDrainingAway' },
                // Or it would end as it does where nothing drains.
                {},
              ],
              'connection.returns': [
                { guard: 'hasRunning', target: '#model.draining', actions: 'reconnectDraining' },
                { target: '#model.absent', actions: 'reconnectDraining' },
              ],
              // What it has acknowledged and couldn't tell the broker goes with it.
              'timeout.expires': { guard: 'mayAbort', target: 'absent', actions: ['abort', 'cutOff'] },
            },
          },
          connected: {
            description: 'It consumes nothing.',
            exit: 'forgetReport',
            on: {
              publish: { guard: 'mayPublish', actions: ['queue', 'forgetReport'] },
              'connection.returns': { target: '#model.connected', actions: 'reconnect' },
              shutdown: { guard: 'mayForget', target: 'absent', actions: ['cutOff', 'resume'] },
            },
          },
          absent: {
            description: 'It was shut down: nobody is left but the publisher.',
            exit: 'forgetReport',
            on: {
              publish: { guard: 'mayPublish', actions: ['queue', 'forgetReport'] },
              'connection.returns': { target: '#model.absent', actions: 'reconnect' },
            },
          },
        },
      },
      stopping: {
        description: 'Stops consuming: what runs may end.',
        on: {
          publish: { guard: 'mayPublish', actions: 'store' },
          'handler.ends': [
            { guard: 'isLastAwaited', target: 'connected', actions: 'endDraining' },
            { guard: 'isRunning', actions: 'endDraining' },
          ],
          'timeout.expires': { guard: 'mayAbort', target: 'connected', actions: 'abort' },
          shutdown: { target: 'draining', actions: 'resume' },
          'consumer.crashes': {
            guard: 'mayCrashDraining',
            target: 'absent',
            actions: ['cutOff', 'resume', 'forgetReport'],
          },
          'connection.lost': [
            { guard: 'keepsWhenAway', target: 'away.stopping' },
            { target: 'away.connected', actions: 'cutOff' },
          ],
        },
      },
      connected: {
        description: 'Consumes nothing, and may begin to again.',
        exit: 'forgetReport',
        on: {
          publish: { guard: 'mayPublish', actions: ['store', 'forgetReport'] },
          replay: { guard: 'mayReplay', actions: ['replay', 'forgetReport'] },
          start: [
            { guard: 'isPaused', target: 'paused' },
            { target: 'consuming', actions: 'begin' },
          ],
          shutdown: { target: 'absent', actions: 'resume' },
          'connection.lost': 'away.connected',
        },
      },
      draining: {
        description: 'Shuts down: what runs may end.',
        on: {
          publish: { guard: 'mayPublish', actions: 'store' },
          'handler.ends': [
            { guard: 'isLastAwaited', target: 'absent', actions: 'endDraining' },
            { guard: 'isRunning', actions: 'endDraining' },
          ],
          'timeout.expires': { guard: 'mayAbort', target: 'absent', actions: 'abort' },
          'consumer.crashes': {
            guard: 'mayCrashDraining',
            target: 'absent',
            actions: ['cutOff', 'forgetReport'],
          },
          'connection.lost': [
            { guard: 'keepsWhenAway', target: 'away.draining' },
            { target: 'away.absent', actions: 'cutOff' },
          ],
        },
      },
    },
  });
}

export type BusModel = ReturnType<typeof busModel>;
