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
            { guard: 'runs', target: 'stopping', actions: 'drain' },
            { guard: 'mayDrain', target: 'connected', actions: 'drain' },
          ],
          shutdown: [
            { guard: 'runs', target: 'draining', actions: 'drain' },
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
            { guard: 'runs', target: 'stopping', actions: 'drain' },
            { guard: 'mayDrain', target: 'connected', actions: 'drain' },
          ],
          shutdown: [
            { guard: 'runs', target: 'draining', actions: ['drain', 'resume'] },
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
            },
          },
          paused: {
            description: 'It stays paused when the connection returns.',
            on: {
              'connection.returns': { target: '#model.paused', actions: 'reconnect' },
              resume: { target: 'consuming', actions: 'resume' },
            },
          },
          connected: {
            description: 'It consumed nothing when the connection was lost.',
            on: { 'connection.returns': { target: '#model.connected', actions: 'reconnect' } },
          },
        },
      },
      stopping: {
        description: 'Stops consuming: what runs may end.',
        on: {
          publish: { guard: 'mayPublish', actions: 'store' },
          'handler.ends': [
            { guard: 'isLastRunning', target: 'connected', actions: 'endDraining' },
            { guard: 'isRunning', actions: 'endDraining' },
          ],
          'timeout.expires': { guard: 'mayAbort', target: 'connected', actions: 'abort' },
          shutdown: { target: 'draining', actions: 'resume' },
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
            { guard: 'isLastRunning', target: 'absent', actions: 'endDraining' },
            { guard: 'isRunning', actions: 'endDraining' },
          ],
          'timeout.expires': { guard: 'mayAbort', target: 'absent', actions: 'abort' },
        },
      },
    },
  });
}

export type BusModel = ReturnType<typeof busModel>;
