import {
  assign,
  enqueueActions,
  fromCallback,
  fromPromise,
  sendParent,
  setup,
  type EventObject,
} from 'xstate';
import type { Connection, Transport } from '../src/contracts/transport.ts';
import type { TransportNotice } from '../src/contracts/transport-notice.ts';
import { backoffMs } from './settlement.ts';

export interface ConnectionInput {
  readonly transport: Transport;
  /** Milliseconds in which the first connection must stand; Infinity waits for ever. */
  readonly connectTimeoutMs: number;
  readonly random: () => number;
  readonly notice: (notice: TransportNotice) => void;
  readonly connectFailed: (failure: ConnectFailure) => void;
}

/** An attempt to connect that came to nothing. */
export interface ConnectFailure {
  /** Undefined where there was no answer when the time was up. */
  readonly error: unknown;
  /** Nothing was told of this outage before. */
  readonly isFirst: boolean;
  /** Another attempt can't help; the bus is told too. */
  readonly isTerminal: boolean;
}

export interface ConnectionContext extends ConnectionInput {
  readonly connection: Connection | undefined;
  readonly attempts: number;
  readonly error: unknown;
}

export type ConnectionEvent =
  | { readonly type: 'lost'; readonly error: Error | undefined }
  | { readonly type: 'blocked' }
  | { readonly type: 'unblocked' }
  | { readonly type: 'close' };

/** Full jitter, so that a broker that comes back isn't met by all its clients at once, and none comes seconds late. */
const RECONNECT = { baseDelayMs: 50, maxDelayMs: 2000 };

const isTerminal = (error: unknown): boolean =>
  (error as { retryable?: boolean } | undefined)?.retryable === false;

/** One transport link: the only place that reconnects. It tells the bus what became of it. */
export const connectionMachine = setup({
  types: {
    context: {} as ConnectionContext,
    input: {} as ConnectionInput,
    events: {} as ConnectionEvent,
  },
  actors: {
    connect: fromPromise<Connection, ConnectionContext>(({ input, signal }) =>
      input.transport.connect(signal, input.notice),
    ),
    watch: fromCallback<EventObject, ConnectionContext>(({ input, sendBack }) => {
      const { connection } = input;
      if (connection === undefined) return;
      connection.onBlocked = (isBlocked) => sendBack({ type: isBlocked ? 'blocked' : 'unblocked' });
      void connection.closed.then((error) => sendBack({ type: 'lost', error }));
    }),
    close: fromPromise<void, ConnectionContext>(async ({ input }) => input.connection?.close()),
  },
  delays: {
    reconnectBackoff: ({ context }) =>
      Math.round(backoffMs(context.attempts, { ...RECONNECT, jitter: 0 }, context.random) * context.random()),
    steadyTime: 5000,
    connectTimeout: ({ context }) => Math.min(context.connectTimeoutMs, 2 ** 31 - 1),
  },
  guards: {
    isTerminal: ({ event }) => isTerminal((event as unknown as { error: unknown }).error),
  },
  actions: {
    noteConnection: assign({
      connection: ({ event }) => (event as unknown as { output: Connection }).output,
    }),
    noteFailure: enqueueActions(({ context: { attempts, connectFailed }, event, enqueue }) => {
      const { error } = event as unknown as { error: unknown };
      enqueue.assign({ error, attempts: attempts + 1 });
      enqueue(() => connectFailed({ error, isFirst: attempts === 0, isTerminal: isTerminal(error) }));
    }),
    tellUnanswered: ({ context: { attempts, connectFailed }, event }) => {
      // By its own answer, or because the bus closes, it is left otherwise.
      if (!(event.type as string).startsWith('xstate.after.')) return;
      connectFailed({ error: undefined, isFirst: attempts === 0, isTerminal: false });
    },
    // Reset only after it has stood for a while: a link that is lost at once must not be opened without a pause.
    noteSteady: assign({ attempts: 0 }),
    noteLoss: assign({ connection: undefined, attempts: ({ context }) => context.attempts + 1 }),
    tellOpened: sendParent(({ context }) => ({ type: 'connection.opened', connection: context.connection })),
    tellLost: sendParent(({ event }) => ({
      type: 'connection.lost',
      error: (event as { error?: unknown }).error,
    })),
    tellBlocked: sendParent({ type: 'connection.blocked' }),
    tellUnblocked: sendParent({ type: 'connection.unblocked' }),
    tellRefused: sendParent(({ context }) => ({ type: 'connection.refused', error: context.error })),
    tellTimedOut: sendParent(({ context }) => ({ type: 'connection.timedOut', error: context.error })),
  },
}).createMachine({
  id: 'connection',
  description:
    'Opens the link to the broker and opens it again after a loss; after a first success it never gives up.',
  context: ({ input }) => ({ ...input, connection: undefined, attempts: 0, error: undefined }),
  initial: 'opening',
  on: { close: '.closing' },
  states: {
    opening: {
      description: 'The first connection; bounded in time.',
      tags: ['connecting'],
      initial: 'attempting',
      after: { connectTimeout: { target: 'failed', actions: 'tellTimedOut' } },
      states: {
        attempting: {
          description: 'The driver connects.',
          exit: 'tellUnanswered',
          invoke: {
            src: 'connect',
            input: ({ context }) => context,
            onDone: { target: '#connection.open', actions: 'noteConnection' },
            onError: [
              { guard: 'isTerminal', target: '#connection.failed', actions: ['noteFailure', 'tellRefused'] },
              { target: 'backingOff', actions: 'noteFailure' },
            ],
          },
        },
        backingOff: {
          description: 'Waits before the next attempt.',
          after: { reconnectBackoff: 'attempting' },
        },
      },
    },
    open: {
      description: 'The link stands.',
      entry: 'tellOpened',
      invoke: { src: 'watch', input: ({ context }) => context },
      after: { steadyTime: { actions: 'noteSteady' } },
      on: { lost: { target: 'reopening', actions: ['noteLoss', 'tellLost'] } },
      initial: 'flowing',
      states: {
        flowing: { description: 'The broker takes what is published.', on: { blocked: 'blocked' } },
        blocked: {
          description: 'The broker has stopped reading what is published, for want of memory or disk.',
          tags: ['blocked'],
          entry: 'tellBlocked',
          exit: 'tellUnblocked',
          on: { unblocked: 'flowing' },
        },
      },
    },
    reopening: {
      description: 'The link was lost; unbounded in time.',
      tags: ['retrying'],
      initial: 'backingOff',
      states: {
        backingOff: {
          description: 'Waits before the next attempt.',
          after: { reconnectBackoff: 'attempting' },
        },
        attempting: {
          description: 'The driver connects anew.',
          invoke: {
            src: 'connect',
            input: ({ context }) => context,
            onDone: { target: '#connection.open', actions: 'noteConnection' },
            onError: [
              { guard: 'isTerminal', target: '#connection.failed', actions: ['noteFailure', 'tellRefused'] },
              { target: 'backingOff', actions: 'noteFailure' },
            ],
          },
        },
      },
    },
    closing: {
      description: 'The driver lets go of its socket.',
      invoke: {
        src: 'close',
        input: ({ context }) => context,
        onDone: 'closed',
        onError: 'closed',
      },
    },
    closed: { description: 'No socket is left; the bus is told by its end.', type: 'final' },
    failed: { description: 'Refused, or not reached in time.', type: 'final' },
  },
});
