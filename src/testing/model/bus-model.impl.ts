import { assign, setup } from 'xstate';
import type { Bounds, ExpectedReport, ModelContext, ModelEvent } from './happenings.ts';
import {
  begun,
  ended,
  givenBack,
  isInHand,
  isOver,
  isRunning,
  published,
  reconnected,
  replayed,
  type ModelMessage,
  type Promises,
  type Surroundings,
} from './messages.ts';

const NOTHING: ExpectedReport = { settled: 0, released: 0, aborted: 0 };

interface Scope {
  readonly context: ModelContext;
  readonly event: ModelEvent;
}

/** What the model can do; its chart is in bus-model.ts. */
export function modelSetup(promises: Promises, bounds: Bounds) {
  const isBegun = ({ messages }: ModelContext): boolean => messages.some(isInHand);
  const mayInterrupt = (context: ModelContext): boolean =>
    !isBegun(context) || context.interruptions < bounds.interruptions;
  /** The promises leave open which of two events of a key comes first once one of them may come again at any time. */
  const areApart = ({ messages }: ModelContext): boolean => {
    const open = messages.filter((message) => !isOver(message)).map(({ key }) => key);
    return promises.ordersReturned || !promises.isOrdered || new Set(open).size === open.length;
  };
  const mayComeBetween = ({ phase, hasReturned, isReplayed }: ModelMessage): boolean =>
    phase === 'stored' && (isReplayed || (hasReturned && !promises.ordersReturned));
  const storing = (phase: 'queued' | 'stored') => (scope: Scope) =>
    scope.event.type === 'publish'
      ? [...scope.context.messages, published(scope.event.kind, scope.event.key, phase)]
      : scope.context.messages;
  const ending =
    (during: Surroundings) =>
    ({ context, event }: Scope): readonly ModelMessage[] =>
      event.type === 'handler.ends'
        ? context.messages.map((message, at) =>
            at === event.at ? ended(message, promises, during) : message,
          )
        : context.messages;
  const changing =
    (change: (message: ModelMessage) => ModelMessage) =>
    ({ context }: Scope): readonly ModelMessage[] =>
      context.messages.map(change);
  /** Ends deliveries unsettled, which counts where there were any. */
  const interrupting =
    (change: (message: ModelMessage) => ModelMessage) =>
    ({ context }: Scope) => ({
      messages: context.messages.map(change),
      interruptions: context.interruptions + (isBegun(context) ? 1 : 0),
    });

  return setup({
    types: { context: {} as ModelContext, events: {} as ModelEvent },
    guards: {
      mayPublish: ({ context: { messages }, event }) =>
        event.type === 'publish' &&
        messages.length < bounds.messages &&
        (messages.length > 0 || event.key === 'a') &&
        !messages.some((message) => message.key === event.key && mayComeBetween(message)),
      isRunning: ({ context, event }) =>
        event.type === 'handler.ends' && context.messages[event.at]?.phase === 'running',
      isLastRunning: ({ context: { messages }, event }) =>
        event.type === 'handler.ends' &&
        messages.every((message, at) => isRunning(message) === (at === event.at)),
      runs: ({ context }) => mayInterrupt(context) && context.messages.some(isRunning),
      mayDrain: ({ context }) => mayInterrupt(context),
      mayCrash: ({ context }) => mayInterrupt(context) && areApart(context),
      mayAbort: ({ context }) => areApart(context),
      mayLose: ({ context }) => promises.keepsWhenAway || mayInterrupt(context),
      waits: ({ context }) => context.messages.some(({ phase }) => phase === 'waiting'),
      isPaused: ({ context }) => context.isPaused,
      mayReplay: ({ context: { messages } }) =>
        messages.every((message) => isOver(message) && !message.isReplayed) &&
        messages.some(({ phase }) => phase === 'dead'),
    },
    actions: {
      store: assign({ messages: storing('stored') }),
      queue: assign({ messages: storing('queued') }),
      begin: assign({ messages: ({ context }) => begun(context.messages, promises) }),
      end: assign({ messages: ending('consuming') }),
      endAway: assign({ messages: ending('away') }),
      endDraining: assign(({ context, event }) => {
        const messages = ending('draining')({ context, event });
        const { report = NOTHING } = context;
        const isSettled = event.type === 'handler.ends' && isOver(messages[event.at] as ModelMessage);
        return {
          messages,
          report: isSettled
            ? { ...report, settled: report.settled + 1 }
            : { ...report, released: report.released + 1 },
        };
      }),
      makeDue: assign({
        messages: changing((message) =>
          message.phase === 'waiting' ? { ...message, phase: 'due' } : message,
        ),
      }),
      // What runs may end; what waits for another attempt is given back.
      drain: assign(({ context, event }) => ({
        ...interrupting((message) => (isRunning(message) ? message : givenBack(message)))({ context, event }),
        report: {
          ...NOTHING,
          released: context.messages.filter((message) => isInHand(message) && !isRunning(message)).length,
        },
      })),
      abort: assign(({ context, event }) => ({
        messages: changing(givenBack)({ context, event }),
        report: {
          ...(context.report ?? NOTHING),
          aborted: context.messages.filter(isRunning).length,
        },
      })),
      giveBack: assign(interrupting(givenBack)),
      loseConnection: assign((scope) => (promises.keepsWhenAway ? {} : interrupting(givenBack)(scope))),
      reconnect: assign({ messages: changing(reconnected) }),
      replay: assign({
        messages: (scope) =>
          changing((message) => replayed(message, scope.event.type === 'replay' && scope.event.isMended))(
            scope,
          ),
      }),
      pause: assign({ isPaused: true }),
      resume: assign({ isPaused: false }),
      forgetReport: assign({ report: undefined }),
    },
  });
}
