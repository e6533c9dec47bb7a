import { assign, setup } from 'xstate';
import type { Bounds, ExpectedReport, ModelContext, ModelEvent } from './happenings.ts';
import {
  aborted,
  begun,
  drained,
  ended,
  givenBack,
  isAwaited,
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

const NOTHING: ExpectedReport = { settled: 0, released: 0, aborted: 0, timedOut: false };

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
  const isEndOfRunning = ({ context, event }: Scope): boolean =>
    event.type === 'handler.ends' && context.messages[event.at]?.phase === 'running';
  const changing =
    (change: (message: ModelMessage) => ModelMessage) =>
    ({ context }: Scope): readonly ModelMessage[] =>
      context.messages.map(change);
  /** What can't be given back for certain may come again at any time. */
  const mayForget = (context: ModelContext): boolean => !isBegun(context) || areApart(context);
  const mayDrainAway = (context: ModelContext): boolean => mayInterrupt(context) && mayForget(context);
  const mayEndAway = (scope: Scope): boolean =>
    isEndOfRunning(scope) &&
    (areApart(scope.context) ||
      ending('draining away')(scope).every(
        ({ phase }, at) => phase !== 'stored' || scope.context.messages[at]?.phase === 'stored',
      ));
  const awaitsNothing =
    (during: Surroundings) =>
    (scope: Scope): boolean =>
      !ending(during)(scope).some(isAwaited);
  const endingDrain =
    (during: Surroundings) =>
    (scope: Scope): Partial<ModelContext> => {
      const messages = ending(during)(scope);
      const { report = NOTHING } = scope.context;
      const phase = scope.event.type === 'handler.ends' ? messages[scope.event.at]?.phase : undefined;
      const isSettled = phase === 'handled' || phase === 'dead' || phase === 'acking';
      // While the connection is away nothing can be given back for certain, and no dead letter is stored.
      const isReleased = phase === 'stored' && during === 'draining';
      return {
        messages,
        report: {
          ...report,
          settled: report.settled + Number(isSettled),
          released: report.released + Number(isReleased),
        },
      };
    };
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
      isRunning: isEndOfRunning,
      isLastAwaited: (scope) => isEndOfRunning(scope) && awaitsNothing('draining')(scope),
      mayEndAway,
      isLastAwaitedAway: (scope) => mayEndAway(scope) && awaitsNothing('draining away')(scope),
      hasRunning: ({ context }) => context.messages.some(isRunning),
      mustAwait: ({ context }) => mayInterrupt(context) && context.messages.some(isAwaited),
      mayDrain: ({ context }) => mayInterrupt(context),
      mustAwaitAway: ({ context }) => mayDrainAway(context) && context.messages.some(isAwaited),
      mayDrainAway: ({ context }) => mayDrainAway(context),
      mayForget: ({ context }) => mayForget(context),
      mayCrash: ({ context }) => mayInterrupt(context) && areApart(context),
      // What they cut off was counted when the drain began.
      mayCrashDraining: ({ context }) => areApart(context),
      mayAbort: ({ context }) => areApart(context),
      keepsWhenAway: () => promises.keepsWhenAway,
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
      endDraining: assign(endingDrain('draining')),
      endDrainingAway: assign(endingDrain('draining away')),
      makeDue: assign({
        messages: changing((message) =>
          message.phase === 'waiting' ? { ...message, phase: 'due' } : message,
        ),
      }),
      drain: assign((scope) => ({
        ...interrupting(drained)(scope),
        report: {
          ...NOTHING,
          released: scope.context.messages.filter((message) => isInHand(message) && !isAwaited(message))
            .length,
        },
      })),
      // It gives back what it can't tell its broker of: that comes again all the same.
      drainAway: assign((scope) => ({ ...interrupting(drained)(scope), report: NOTHING })),
      abort: assign((scope) => ({
        messages: changing(aborted)(scope),
        report: {
          ...(scope.context.report ?? NOTHING),
          aborted: scope.context.messages.filter((message) => isInHand(message) && message.phase !== 'acking')
            .length,
          timedOut: true,
        },
      })),
      giveBack: assign(interrupting(givenBack)),
      // Within a drain, which counted them, or after it.
      cutOff: assign({ messages: changing(givenBack) }),
      loseConnection: assign((scope) => (promises.keepsWhenAway ? {} : interrupting(givenBack)(scope))),
      reconnect: assign({ messages: changing(reconnected) }),
      reconnectDraining: assign((scope) => {
        const { messages, report = NOTHING } = scope.context;
        const stored = messages.filter(({ phase }) => phase === 'deadLettering').length;
        return {
          messages: changing(reconnected)(scope),
          report: { ...report, settled: report.settled + stored },
        };
      }),
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
