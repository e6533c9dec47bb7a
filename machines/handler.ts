import { setup } from 'xstate';
import { relay } from './internals.ts';
import type { Dispatch, RetryOrder } from './dispatch.ts';
import { HandlerFlow, type HandlerInput } from './handler-flow.ts';
import { withFastPath } from './fast-path.ts';

export type HandlerEvent =
  | Dispatch
  | RetryOrder
  | { readonly type: 'pause' }
  | { readonly type: 'resume' }
  | { readonly type: 'abort'; readonly reason: Error; readonly dispatch?: Dispatch }
  | { readonly type: 'drain' }
  | { readonly type: 'idle' };

/** Runs one user's function. A failure is data that it reports; nothing the function does can stop the actor. */
export const handlerMachine = setup({
  types: {
    context: {} as { readonly flow: HandlerFlow },
    input: {} as HandlerInput,
    events: {} as HandlerEvent,
  },
  guards: { isIdle: ({ context }) => context.flow.isIdle },
  actions: {
    run: ({ context, event }) => {
      if (event.type === 'deliver') context.flow.run(event);
    },
    hold: ({ context, event }) => {
      if (event.type === 'deliver') context.flow.hold(event);
    },
    refuse: ({ context, event }) => {
      if (event.type === 'deliver') context.flow.refuse(event);
    },
    abort: ({ context, event }) => {
      if (event.type !== 'abort') return;
      if (event.dispatch === undefined) context.flow.abortAll(event.reason);
      else context.flow.abort(event.reason, event.dispatch);
    },
    open: ({ context }) => (context.flow.isOpen = true),
    close: ({ context }) => (context.flow.isOpen = false),
    runHeld: ({ context }) => context.flow.runHeld(),
    refuseHeld: ({ context }) => context.flow.refuseHeld(),
    watchIdle: ({ context, self }) => {
      context.flow.onIdle = () => {
        // An attempt that was cut off may return when its bus has long stopped.
        if (self.getSnapshot().status === 'active') relay(self, self, { type: 'idle' });
      };
    },
    stopSweeping: ({ context }) => context.flow.stop(),
  },
}).createMachine({
  id: 'handler',
  description: 'Runs one handler function; each delivery comes as a message.',
  context: ({ input }) => ({ flow: new HandlerFlow(input) }),
  initial: 'consuming',
  on: { abort: { actions: 'abort' } },
  states: {
    consuming: {
      description: 'Starts what is delivered at once.',
      entry: 'open',
      exit: 'close',
      on: {
        deliver: { actions: 'run' },
        pause: 'paused',
        drain: [{ guard: 'isIdle', target: 'stopped' }, { target: 'draining' }],
      },
    },
    paused: {
      description: 'Keeps what is delivered for later; what runs goes on.',
      tags: ['paused'],
      on: {
        deliver: { actions: 'hold' },
        resume: { target: 'consuming', actions: 'runHeld' },
        drain: [
          { guard: 'isIdle', target: 'stopped' },
          { target: 'draining', actions: 'refuseHeld' },
        ],
      },
    },
    draining: {
      description: 'Lets the running attempts end and refuses new ones.',
      entry: 'watchIdle',
      always: { guard: 'isIdle', target: 'stopped' },
      on: { deliver: { actions: 'refuse' }, idle: { guard: 'isIdle', target: 'stopped' } },
    },
    stopped: {
      description: 'No attempt runs, and none will.',
      entry: 'stopSweeping',
      type: 'final',
    },
  },
});

/** {@link handlerMachine} with `deliver` on the fast path. */
export const handlerLogic = withFastPath(handlerMachine, {
  deliver: (snapshot, order) => {
    if (snapshot.value !== 'consuming') return false;
    snapshot.context.flow.run(order);
    return true;
  },
});
