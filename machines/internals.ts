import type { AnyActorRef, AnyEventObject } from 'xstate';
import type { Clock } from '../src/contracts/clock.ts';

// The only file that touches what XState 5 has at run time and leaves out of its types.

interface Relaying {
  _relay(source: AnyActorRef | undefined, target: AnyActorRef, event: AnyEventObject): void;
}

/** Sends with the sender's name, so that inspectors draw the arrow; as fast as `target.send`. */
export function relay(source: AnyActorRef | undefined, target: AnyActorRef, event: AnyEventObject): void {
  (target.system as unknown as Relaying)._relay(source, target, event);
}

/** Whether anybody has ever inspected a system of actors. */
export interface Inspection {
  isOn: boolean;
}

/** Notes from now on whether somebody inspects the system. */
export function noteInspection(system: AnyActorRef['system'], inspection: Inspection): void {
  const inspect = system.inspect.bind(system);
  system.inspect = (observer) => {
    inspection.isOn = true;
    return inspect(observer);
  };
}

interface Timer {
  readonly source: AnyActorRef;
  readonly target: AnyActorRef;
  readonly event: AnyEventObject;
  readonly delay: number;
  readonly id: string;
  readonly startedAt: number;
  handle: unknown;
}

/**
 * Replaces the system's scheduler by one that keeps timers by actor: XState's own scans every timer of the system
 * whenever an actor stops, about a millisecond at 10,000 waiting retries.
 */
export function indexTimers(system: AnyActorRef['system'], clock: Clock): void {
  const timers = new Map<AnyActorRef, Map<string, Timer>>();
  let anonymous = 0;
  const drop = (source: AnyActorRef, id: string): Timer | undefined => {
    const own = timers.get(source);
    const timer = own?.get(id);
    if (own === undefined || timer === undefined) return undefined;
    own.delete(id);
    if (own.size === 0) timers.delete(source);
    return timer;
  };
  const scheduler = {
    schedule(
      source: AnyActorRef,
      target: AnyActorRef,
      event: AnyEventObject,
      delay: number,
      id = `timer.${anonymous++}`,
    ): void {
      const replaced = drop(source, id);
      if (replaced !== undefined) clock.clearTimeout(replaced.handle);
      const timer: Timer = { source, target, event, delay, id, startedAt: clock.now(), handle: undefined };
      let own = timers.get(source);
      if (own === undefined) timers.set(source, (own = new Map()));
      own.set(id, timer);
      timer.handle = clock.setTimeout(() => {
        drop(source, id);
        relay(source, target, event);
      }, delay);
    },
    cancel(source: AnyActorRef, id: string): void {
      const timer = drop(source, id);
      if (timer !== undefined) clock.clearTimeout(timer.handle);
    },
    cancelAll(source: AnyActorRef): void {
      const own = timers.get(source);
      if (own === undefined) return;
      timers.delete(source);
      for (const timer of own.values()) clock.clearTimeout(timer.handle);
    },
  };
  (system as unknown as { scheduler: typeof scheduler }).scheduler = scheduler;
}
