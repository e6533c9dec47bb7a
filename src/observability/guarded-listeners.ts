import type { AnyActorRef } from 'xstate';
import type { Logger } from '../contracts/logger.ts';
import { guardedCall } from './guarded-call.ts';

type Listener = ((value?: unknown) => unknown) | undefined;
interface Observer {
  next?: Listener;
  error?: Listener;
  complete?: Listener;
}

/**
 * Keeps the exceptions of an actor's listeners to a log line: XState throws them in a timer, where they end the
 * process, and does the same with the actor's own error when one listener has no `error`.
 */
export function guardListeners(actor: AnyActorRef, logger: Logger): void {
  const guard = (listener: Listener, self?: Observer) => (value?: unknown) =>
    guardedCall(
      () => listener?.call(self, value),
      (error) => logger.error({ err: error }, 'A listener of an actor threw.'),
    );
  const subscribe = actor.subscribe.bind(actor);
  const on = actor.on.bind(actor);
  actor.subscribe = (next?: Listener | Observer, error?: Listener, complete?: Listener) => {
    const observer: Observer = typeof next === 'object' ? next : { next, error, complete };
    const self = typeof next === 'object' ? next : undefined;
    return subscribe({
      // Called for every event, so nothing stands for one that is missing.
      ...(observer.next !== undefined && { next: guard(observer.next, self) }),
      error: guard(observer.error, self),
      complete: guard(observer.complete, self),
    });
  };
  actor.on = (type, listener) => on(type, guard(listener as Listener) as typeof listener);
}
