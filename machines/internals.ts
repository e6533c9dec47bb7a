import { toObserver, type AnyActorRef, type AnyEventObject, type InspectionEvent } from 'xstate';
import type { Clock } from '../src/contracts/clock.ts';

// The only file that touches what XState 5 has at run time and leaves out of its types.

interface Relaying {
  _relay(source: AnyActorRef | undefined, target: AnyActorRef, event: AnyEventObject): void;
}

/** Sends with the sender's name, so that inspectors draw the arrow; as fast as `target.send`. */
export function relay(source: AnyActorRef | undefined, target: AnyActorRef, event: AnyEventObject): void {
  (target.system as unknown as Relaying)._relay(source, target, event);
}

/** Sees what happens in a system of actors. */
export interface Watcher {
  /** Whether it would see such a hot message now. What it sees of the others is not asked for. */
  wants(message: string): boolean;
  /** @param hot The hot message it's about, if it's one of the data plane. */
  tell(event: InspectionEvent, hot?: string): void;
}

/** Who inspects a system of actors, and what they want to see now. */
export interface Inspection {
  /** The next delivery is to be seen, so it goes through the mailboxes. */
  isOn: boolean;
  /** Hot messages that somebody wants to see now; the others go unseen, and nothing is copied for them. */
  readonly wanted: Set<string>;
  readonly watchers: Set<Watcher>;
}

/** Messages of the data plane: too many to be shown all. */
export const HOT = ['publish', 'deliver', 'deliveries', 'advance', 'idle'] as const;

/** Actions that machines take on them, which tell of no event themselves. */
const HOT_ACTIONS = new Set(['publish', 'run', 'hold', 'refuse', 'startReady']);

const hot: ReadonlySet<unknown> = new Set(HOT);

export const noInspection = (): Inspection => ({ isOn: false, wanted: new Set(), watchers: new Set() });

/** To be called whenever a watcher comes, goes or changes its mind. */
export function lookAround(inspection: Inspection): void {
  const { watchers, wanted } = inspection;
  for (const message of HOT) {
    if ([...watchers].some((watcher) => watcher.wants(message))) wanted.add(message);
    else wanted.delete(message);
  }
  inspection.isOn = wanted.has('deliver');
}

type Untold<Event = InspectionEvent> = Event extends InspectionEvent ? Omit<Event, 'rootId'> : never;

/**
 * Finds the message that an inspection event is about, if it's one of the data plane. A step to another state never is,
 * nor is the snapshot behind it: a drain ends with the last delivery, and whoever follows an actor must learn of that.
 */
function hotMessages(): (event: Untold) => string | undefined {
  const stepped = new WeakSet<object>();
  return (event) => {
    if (event.type === '@xstate.action') return HOT_ACTIONS.has(event.action.type) ? 'deliver' : undefined;
    const type = 'event' in event ? event.event.type : undefined;
    if (!hot.has(type)) return undefined;
    if (event.type === '@xstate.snapshot') return stepped.delete(event.actorRef) ? undefined : type;
    if (event.type !== '@xstate.microstep' || event._transitions.every(({ target }) => target === undefined))
      return type;
    stepped.add(event.actorRef);
    return undefined;
  };
}

/**
 * Takes a system's inspection over: XState copies every event before any observer sees it, which for a message that
 * nobody wants to see costs more than its delivery. Observers of the system itself (`system.inspect`) still see all.
 */
export function ownInspection(root: AnyActorRef, inspection: Inspection): void {
  const { watchers, wanted } = inspection;
  const hotMessage = hotMessages();
  const system = root.system as unknown as {
    _sendInspectionEvent(event: Untold): void;
    inspect: AnyActorRef['system']['inspect'];
  };
  system._sendInspectionEvent = (event) => {
    if (watchers.size === 0) return;
    const message = hotMessage(event);
    if (message !== undefined && !wanted.has(message)) return;
    const told = { ...event, rootId: root.sessionId } as InspectionEvent;
    for (const watcher of watchers) watcher.tell(told, message);
  };
  system.inspect = (observer) => {
    const { next } = toObserver(observer);
    const watcher: Watcher = { wants: () => true, tell: (event) => next?.(event) };
    watchers.add(watcher);
    lookAround(inspection);
    return {
      unsubscribe: () => {
        watchers.delete(watcher);
        lookAround(inspection);
      },
    };
  };
}

/** The actors that a parent has now. */
export function childrenOf(snapshot: unknown): readonly AnyActorRef[] {
  const { children, deliveries } = snapshot as {
    readonly children?: Readonly<Record<string, AnyActorRef | undefined>>;
    /** Those of the supervisor, which is no machine. */
    readonly deliveries?: Iterable<AnyActorRef>;
  };
  if (deliveries !== undefined) return [...deliveries];
  return Object.values(children ?? {}).filter((child) => child !== undefined);
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
