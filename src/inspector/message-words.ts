const LENGTH = 300;

const PATTERNS: readonly (readonly [RegExp, string])[] = [
  [/^xstate\.done\.actor\.(?:.*\.)?/, 'done: '],
  [/^xstate\.error\.actor\.(?:.*\.)?/, 'failed: '],
  [/^xstate\.after\.([^.]*)\..*$/, 'after $1'],
  [/^xstate\./, ''],
];

/** The type of a message as one says it: XState names its own by the place of the actor in the chart. */
export function messageName(type: string): string {
  const pattern = PATTERNS.find(([matching]) => matching.test(type));
  return pattern === undefined ? type : type.replace(pattern[0], pattern[1]);
}

/** A value on one line, as one says it; what is nested deeper stands in brackets. */
export function wordsOf(value: unknown): string {
  return cut(words(value, 0));
}

function words(value: unknown, depth: number): string {
  if (typeof value === 'boolean') return value ? 'yes' : 'no';
  if (typeof value !== 'object' || value === null) return String(value);
  if (Array.isArray(value)) return manyOf(value, depth);
  if ('eventType' in value) return eventWords(value as EventWords, depth);
  const { name, message } = value as { readonly name?: unknown; readonly message?: unknown };
  if (typeof name === 'string' && typeof message === 'string') return `${name}: ${message}`;
  const parts = Object.entries(value)
    .filter(([, inner]) => inner !== undefined)
    .map(([key, inner]) => `${key} ${words(inner, depth + 1)}`);
  return depth > 1 ? `(${parts.join(', ')})` : parts.join(', ');
}

interface EventWords {
  readonly eventType?: unknown;
  readonly eventId?: unknown;
  readonly attempt?: number;
  readonly payload?: unknown;
  readonly body?: unknown;
}

/** Type and the beginning of the id; what else was asked for comes as it would be written. */
function eventWords({ eventType, eventId, attempt, payload, body }: EventWords, depth: number): string {
  const shown = payload ?? body;
  const named = `${String(eventType)} ${String(eventId).slice(0, 8)}`;
  const tried = attempt === undefined || attempt === 1 ? '' : `, attempt ${attempt}`;
  return `${named}${tried}${shown === undefined || depth > 1 ? '' : ` ${JSON.stringify(shown)}`}`;
}

function manyOf(list: readonly unknown[], depth: number): string {
  if (list.length === 0) return 'none';
  return list.map((inner) => words(inner, depth + 1)).join(', ');
}

const cut = (text: string): string => (text.length > LENGTH ? `${text.slice(0, LENGTH)}…` : text);
