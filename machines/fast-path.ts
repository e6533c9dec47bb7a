import type { ActorScope, AnyStateMachine, EventFromLogic, SnapshotFrom } from 'xstate';

/** Answers one hot event without a macrostep. False leaves the event to the machine. */
export type HotPath<M extends AnyStateMachine, T extends EventFromLogic<M>['type']> = (
  snapshot: SnapshotFrom<M>,
  event: Extract<EventFromLogic<M>, { type: T }>,
  scope: ActorScope<SnapshotFrom<M>, EventFromLogic<M>>,
) => boolean;

type HotPaths<M extends AnyStateMachine> = { readonly [T in EventFromLogic<M>['type']]?: HotPath<M, T> };

/**
 * Puts functions in front of a machine's `transition` for its hottest events. A macrostep costs 1 to 2 µs, such a
 * function some 40 ns. Each must do what the machine's own transition for that event does in that state, must leave
 * the state as it is, and must answer false in every state it wasn't written for. The machine itself stays as it is:
 * the result is a clone. `provide()` on the result would lose the fast path, so provide first.
 */
export function withFastPath<M extends AnyStateMachine>(machine: M, hot: HotPaths<M>): M {
  const clone = machine.provide({}) as M;
  // eslint-disable-next-line typescript/unbound-method -- XState binds it in the constructor
  const slow = clone.transition;
  const paths = hot as Record<string, HotPath<M, never> | undefined>;
  clone.transition = ((snapshot: never, event: never, scope: never) => {
    const path = paths[(event as { type: string }).type];
    return path !== undefined && path(snapshot, event, scope) ? snapshot : slow(snapshot, event, scope);
  }) as typeof clone.transition;
  return clone;
}
