/** Characters of a value that are shown. */
const SHOWN = 60;

/** Fields whose values say nothing of a person or a secret, and help to find out who wrote them. */
const HARMLESS: ReadonlySet<string> = new Set(['occurred_at', 'event_version', 'aggregate_version']);

/** What is wrong with a field that was read: its kind and not its value, because the message is logged. */
export function wrongField(name: string, value: unknown, wanted: string): TypeError {
  const found = HARMLESS.has(name) && isShowable(value) ? shown(value) : kindOf(value);
  return new TypeError(`${name} must be ${wanted}, not ${found}`);
}

const isShowable = (value: unknown): value is string | number =>
  typeof value === 'number' || (typeof value === 'string' && value !== '');

const shown = (value: string | number): string => (typeof value === 'number' ? String(value) : quoted(value));

/** Between quotes; of a long one the beginning. */
export const quoted = (text: string): string =>
  text.length > SHOWN ? `${JSON.stringify(text.slice(0, SHOWN))}…` : JSON.stringify(text);

function kindOf(value: unknown): string {
  if (value === null || value === undefined) return String(value);
  if (value === '') return 'an empty string';
  if (Array.isArray(value)) return 'a list';
  return typeof value === 'object' ? 'an object' : `a ${typeof value}`;
}
