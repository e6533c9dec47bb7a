import type { Kind, ModelMessage } from './messages.ts';
import { isInHand } from './messages.ts';

/** What the user of a bus, its handlers, its broker and time do to it: one step of a path. */
export type ModelEvent =
  | { readonly type: 'publish'; readonly kind: Kind; readonly key: 'a' | 'b' }
  /** The attempt that runs for the event of that number ends. */
  | { readonly type: 'handler.ends'; readonly at: number }
  | { readonly type: 'backoff.elapses' }
  | { readonly type: 'start' }
  | { readonly type: 'pause' }
  | { readonly type: 'resume' }
  | { readonly type: 'stopConsuming' }
  | { readonly type: 'shutdown' }
  | { readonly type: 'timeout.expires' }
  | { readonly type: 'consumer.crashes' }
  | { readonly type: 'connection.lost' }
  | { readonly type: 'connection.returns' }
  | { readonly type: 'replay'; readonly isMended: boolean };

/** How far a set of paths goes: each bound multiplies its paths. */
export interface Bounds {
  /** Events published on one path. */
  readonly messages: number;
  /** Crashes, losses and drains on one path that meet something in hand. */
  readonly interruptions: number;
  readonly kinds: readonly Kind[];
}

/** Every step that may occur on a path within these bounds. */
export function eventsWithin({ messages, kinds }: Bounds): readonly ModelEvent[] {
  return [
    ...kinds.map((kind) => ({ type: 'publish', kind, key: 'a' }) as const),
    ...(messages > 1 ? kinds.map((kind) => ({ type: 'publish', kind, key: 'b' }) as const) : []),
    ...Array.from({ length: messages }, (_, at) => ({ type: 'handler.ends', at }) as const),
    { type: 'backoff.elapses' },
    { type: 'start' },
    { type: 'pause' },
    { type: 'resume' },
    { type: 'stopConsuming' },
    { type: 'shutdown' },
    { type: 'timeout.expires' },
    { type: 'consumer.crashes' },
    { type: 'connection.lost' },
    { type: 'connection.returns' },
    { type: 'replay', isMended: true },
    { type: 'replay', isMended: false },
  ];
}

/** What a drain must tell that is going on or was the last step. */
export interface ExpectedReport {
  /** Acknowledged, or stored as dead letters. */
  readonly settled: number;
  /** At least: what was pulled and had not begun may come on top. */
  readonly released: number;
  readonly aborted: number;
  readonly timedOut: boolean;
}

export interface ModelContext {
  readonly messages: readonly ModelMessage[];
  /** Stays so when consuming stops, until somebody resumes or the bus is shut down. */
  readonly isPaused: boolean;
  readonly report: ExpectedReport | undefined;
  readonly interruptions: number;
}

/** Counts that a bus and its broker must show. */
export interface Tallies {
  /** At least once, settled or not. */
  readonly handled: number;
  readonly deadLettered: number;
  /** At least: what is pulled and not begun may come on top. */
  readonly pending: number;
  readonly attempts: number;
}

export function tally({ messages }: Pick<ModelContext, 'messages'>): Tallies {
  const count = (isMeant: (message: ModelMessage) => boolean): number => messages.filter(isMeant).length;
  return {
    handled: count(({ hasSucceeded }) => hasSucceeded),
    deadLettered: count(({ phase }) => phase === 'dead'),
    pending: count(isInHand),
    attempts: messages.reduce((sum, { tried }) => sum + tried, 0),
  };
}

/** A step in words that tell two of them apart. */
export function wordsOf(event: ModelEvent): string {
  switch (event.type) {
    case 'publish':
      return `publish ${event.kind} ${event.key}`;
    case 'handler.ends':
      return `handler ${event.at} ends`;
    case 'replay':
      return event.isMended ? 'replay, mended' : 'replay';
    default:
      return event.type;
  }
}
