const dayMs = 86_400_000;
const firstMs = Date.parse('0000-01-01T00:00:00Z');
const lastMs = Date.parse('9999-12-31T23:59:59.999Z');
const pattern = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?(Z|[+-]\d\d:\d\d)?$/;
const twoDigits = Array.from({ length: 60 }, (_, index) => String(index).padStart(2, '0'));

// Most events of a process fall on one day, and Date.toISOString is slower than all the rest of an envelope.
let cachedDayStart = NaN;
let cachedDay = '';

/** Whether the wire format has a spelling for it: years 0 to 9999. */
export const isWritableTime = (epochMs: number): boolean => epochMs >= firstMs && epochMs <= lastMs;

/** UTC without a zone suffix; 6 fraction digits, none when they are 0, as Python writes them. */
export function formatTime(date: Date): string {
  const epochMs = date.getTime();
  let ofDay = epochMs - cachedDayStart;
  if (!(ofDay >= 0 && ofDay < dayMs)) {
    cachedDayStart = Math.floor(epochMs / dayMs) * dayMs;
    cachedDay = date.toISOString().slice(0, 11);
    ofDay = epochMs - cachedDayStart;
  }
  const ms = ofDay % 1000;
  const seconds = (ofDay - ms) / 1000;
  const minutes = (seconds - (seconds % 60)) / 60;
  const text = `${cachedDay}${twoDigits[(minutes - (minutes % 60)) / 60]}:${twoDigits[minutes % 60]}:${twoDigits[seconds % 60]}`;
  return ms === 0 ? text : `${text}.${String(ms).padStart(3, '0')}000`;
}

/** Reads ISO 8601 to the millisecond, what is finer is cut off; without a zone it is UTC. Undefined if it is none. */
export function parseTime(text: unknown): Date | undefined {
  if (typeof text !== 'string') return undefined;
  const match = pattern.exec(text);
  if (match === null) return undefined;
  const epochMs = Date.parse(match[1] === undefined ? `${text}Z` : text);
  return Number.isNaN(epochMs) ? undefined : new Date(epochMs);
}
