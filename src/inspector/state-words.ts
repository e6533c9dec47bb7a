import type { ActorKind, Tone } from './protocol.ts';

/** Of a snapshot, what an observer is shown. */
export interface ShownState {
  readonly status: string;
  readonly value?: unknown;
  readonly tags?: readonly string[];
  readonly context?: object;
}

const BUSY = new Set(['connecting', 'retrying', 'deadLettering', 'draining', 'paused']);
const BAD = new Set(['degraded', 'failed', 'blocked', 'lane-blocked']);
const OVER = new Set(['stopped', 'closed']);

/** Regions beside the lifecycle, and where they are as long as all is well. */
const USUAL = new Set(['flowing', 'none', 'moving', 'watching', 'unwatched', 'closed']);

/** A state in a word or two: where the lifecycle is, and which region beside it isn't as usual. */
export function shortState(kind: ActorKind, { status, value }: ShownState): string {
  if (value === undefined) return status;
  if (typeof value === 'object' && value !== null && (kind === 'bus' || kind === 'consumer')) {
    const { lifecycle, ...regions } = value as Readonly<Record<string, unknown>>;
    // Of a region beside it the outermost state is enough: there is one line for all of them.
    const others = Object.values(regions).map((region) => pathOf(region).replace(/:.*/, ''));
    return [pathOf(lifecycle), ...others.filter((state) => !USUAL.has(state))].join(', ');
  }
  return pathOf(value);
}

/** The states of a nested one from the outside in. */
function pathOf(value: unknown): string {
  if (typeof value === 'string') return value;
  const [entry] = Object.entries((value ?? {}) as object) as [string, unknown][];
  return entry === undefined ? '' : `${entry[0]}: ${pathOf(entry[1])}`;
}

export function toneOf({ status, value, tags = [] }: ShownState): Tone {
  if (status === 'error') return 'bad';
  const lifecycle =
    typeof value === 'string' ? value : (value as { lifecycle?: unknown } | undefined)?.lifecycle;
  if (status !== 'active' || OVER.has(String(lifecycle))) return 'over';
  if (tags.some((tag) => BAD.has(tag)) || lifecycle === 'failed') return 'bad';
  return tags.some((tag) => BUSY.has(tag)) || BUSY.has(String(lifecycle)) ? 'busy' : 'good';
}
