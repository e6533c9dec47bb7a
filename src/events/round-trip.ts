import type { DomainEvent } from '../contracts/event.ts';
import { EncodeError } from '../errors.ts';
import { payloadOf } from './assembled-event.ts';
import { copyProperties } from './frozen-copy.ts';
import type { PayloadParser } from './payload-schema.ts';
import { formatPath, placeIn } from './place.ts';

/**
 * Sends an event's payload through JSON and its schema, as decoding does.
 * @throws {EncodeError} when the schema refuses it or puts out something else; `path` says where.
 */
export function requireRoundTrip(event: DomainEvent, parse: PayloadParser): void {
  const payload = payloadOf(event);
  const output = parse(JSON.parse(JSON.stringify(payload)), ({ text, path, issues }) => {
    return unreadable(event.eventType, path, text, issues);
  });
  const readBack: Record<string, unknown> = {};
  copyProperties(output, readBack, placeIn(event.eventType, output));

  const keys = findDifference(payload, readBack);
  if (keys !== undefined) {
    const path = formatPath(keys);
    throw unreadable(event.eventType, path, `${path} comes back changed`);
  }
}

/** The keys that lead to the first difference between two trees of JSON values and Dates. */
function findDifference(one: unknown, other: unknown): PropertyKey[] | undefined {
  if (Object.is(one, other)) return undefined;
  if (typeof one !== 'object' || typeof other !== 'object' || one === null || other === null) return [];
  if (one instanceof Date || other instanceof Date) {
    const isSame = one instanceof Date && other instanceof Date && one.getTime() === other.getTime();
    return isSame ? undefined : [];
  }
  if (Array.isArray(one) !== Array.isArray(other)) return [];
  for (const name of new Set([...Object.keys(one), ...Object.keys(other)])) {
    const rest = findDifference(one[name as never], other[name as never]);
    if (rest !== undefined) return [Array.isArray(one) ? Number(name) : name, ...rest];
  }
  return undefined;
}

function unreadable(type: string, path: string, why: string, cause?: unknown): EncodeError {
  return new EncodeError(
    `${type} would not reach a handler as it was built: ${why}. Its schema must accept its own output after JSON ` +
      `and put out the same (for a Date z.coerce.date(), not z.date()).`,
    path,
    cause,
  );
}
