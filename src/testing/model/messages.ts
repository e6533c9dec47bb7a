/** How the handler of an event behaves: at once well, well at its last attempt only, or never. */
export type Kind = 'ok' | 'flaky' | 'poison';

/** Where an event is, as far as its publisher and its group can tell. */
export type Phase =
  /** Published while the connection was away: its publish hasn't resolved. */
  | 'queued'
  /** At the broker, or pulled and not begun. */
  | 'stored'
  | 'running'
  /** Between two attempts. */
  | 'waiting'
  /** Its next attempt is due, and nothing is begun at the moment. */
  | 'due'
  /** Handled, or failed for good, while the connection was away: the broker doesn't know yet. */
  | 'acking'
  | 'deadLettering'
  | 'handled'
  | 'dead';

/** One event, and what must have become of it. */
export interface ModelMessage {
  readonly kind: Kind;
  readonly key: string;
  readonly phase: Phase;
  /** Of the present delivery, from 1; 0 before its first. */
  readonly attempt: number;
  /** Attempts of all its deliveries. */
  readonly tried: number;
  /** A delivery of it ended without a settlement. */
  readonly hasReturned: boolean;
  /** An attempt of it succeeded, be it that the broker never got to know. */
  readonly hasSucceeded: boolean;
  readonly isReplayed: boolean;
  /** What failed it was mended before its replay. */
  readonly isMended: boolean;
}

/** What a bus promises, where it depends on its options or on its broker. */
export interface Promises {
  /** Attempts that a handler has at one delivery, the first included. */
  readonly maxAttempts: number;
  /** Events of one key are handled one after another. */
  readonly isOrdered: boolean;
  /** What was begun goes on while the connection is away; otherwise it is cut off and delivered again. */
  readonly keepsWhenAway: boolean;
  /** What a crashed consumer left goes before newer events of its key. */
  readonly ordersReturned: boolean;
}

/** What is going on around an attempt that ends. */
export type Surroundings = 'consuming' | 'away' | 'draining' | 'draining away';

const IN_HAND: ReadonlySet<Phase> = new Set(['running', 'waiting', 'due', 'acking', 'deadLettering']);
const AWAITED: ReadonlySet<Phase> = new Set(['running', 'acking', 'deadLettering']);

export const isOver = ({ phase }: ModelMessage): boolean => phase === 'handled' || phase === 'dead';
export const isInHand = ({ phase }: ModelMessage): boolean => IN_HAND.has(phase);
export const isRunning = ({ phase }: ModelMessage): boolean => phase === 'running';
/** A drain isn't over before it: it runs, or how it ended isn't stored. */
export const isAwaited = ({ phase }: ModelMessage): boolean => AWAITED.has(phase);

export function published(kind: Kind, key: string, phase: 'queued' | 'stored'): ModelMessage {
  return {
    kind,
    key,
    phase,
    attempt: 0,
    tried: 0,
    hasReturned: false,
    hasSucceeded: false,
    isReplayed: false,
    isMended: false,
  };
}

/** Whether an attempt fails: what its handler does, and what the model expects. */
export function fails(
  { kind, attempt, isMended }: Pick<ModelMessage, 'kind' | 'attempt' | 'isMended'>,
  maxAttempts: number,
): boolean {
  if (isMended || kind === 'ok') return false;
  return kind === 'poison' || attempt < maxAttempts;
}

/** Begins what may begin: due attempts, and of each key the oldest event that isn't over. */
export function begun(messages: readonly ModelMessage[], { isOrdered }: Promises): readonly ModelMessage[] {
  const waitsBehind = (at: number): boolean =>
    isOrdered && messages.slice(0, at).some((before) => before.key === messages[at]?.key && !isOver(before));
  return messages.map((message, at) =>
    message.phase === 'due' || (message.phase === 'stored' && !waitsBehind(at))
      ? { ...message, phase: 'running', attempt: message.attempt + 1, tried: message.tried + 1 }
      : message,
  );
}

/** What follows when the running attempt ends. */
export function ended(message: ModelMessage, { maxAttempts }: Promises, during: Surroundings): ModelMessage {
  const isAway = during === 'away' || during === 'draining away';
  if (!fails(message, maxAttempts))
    return { ...message, phase: isAway ? 'acking' : 'handled', hasSucceeded: true };
  if (message.attempt >= maxAttempts) return { ...message, phase: isAway ? 'deadLettering' : 'dead' };
  return during === 'consuming' || during === 'away' ? { ...message, phase: 'waiting' } : givenBack(message);
}

/** Its delivery is over without having been settled: it comes again, from its first attempt on. */
export function givenBack(message: ModelMessage): ModelMessage {
  return isInHand(message) ? { ...message, phase: 'stored', attempt: 0, hasReturned: true } : message;
}

/** A drain begins: what runs may end and what is over is stored, what waits for another attempt is given back. */
export const drained = (message: ModelMessage): ModelMessage =>
  isAwaited(message) ? message : givenBack(message);

/** The time of a drain is up. What was acknowledged is stored once the connection stands again. */
export const aborted = (message: ModelMessage): ModelMessage =>
  message.phase === 'acking' ? message : givenBack(message);

/** The connection stands again. */
export function reconnected(message: ModelMessage): ModelMessage {
  switch (message.phase) {
    case 'queued':
      return { ...message, phase: 'stored' };
    case 'acking':
      return { ...message, phase: 'handled' };
    case 'deadLettering':
      return { ...message, phase: 'dead' };
    default:
      return message;
  }
}

export function replayed(message: ModelMessage, isMended: boolean): ModelMessage {
  return message.phase === 'dead'
    ? { ...message, phase: 'stored', attempt: 0, isReplayed: true, isMended }
    : message;
}
