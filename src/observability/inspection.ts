import type { InspectionEvent } from 'xstate';
import type { Logger } from '../contracts/logger.ts';
import { guardedCall } from './guarded-call.ts';

/** An XState observer, such as `createWebSocketInspector().inspect` of `@statelyai/inspect`. */
export type InspectionObserver =
  ((event: InspectionEvent) => void) | { next?: (event: InspectionEvent) => void };

/**
 * Wraps a user's observer: an exception in it would otherwise leave the very `send` it observes, and break the bus.
 * After its first one it is told of nothing more.
 */
export function guardedObserver(
  observer: InspectionObserver,
  logger: Logger,
): (event: InspectionEvent) => void {
  let isBroken = false;
  const next = typeof observer === 'function' ? observer : (event: InspectionEvent) => observer.next?.(event);
  return (event) => {
    if (isBroken) return;
    guardedCall(
      () => next(event),
      (error) => {
        isBroken = true;
        logger.error({ err: error }, 'The inspection observer threw and is told of nothing more.');
      },
    );
  };
}
