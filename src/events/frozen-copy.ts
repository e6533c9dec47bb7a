import { types } from 'node:util';
import { EncodeError } from '../errors.ts';
import { pathOf, within } from './place.ts';
import type { Place } from './place.ts';

/** Far beyond any payload, well below what overflows the stack of JSON.stringify. */
const maxDepth = 500;

/**
 * A deeply frozen copy of a value that JSON can carry, made and checked in one walk. Properties that are undefined
 * are left out, -0 becomes 0, and symbol keys are passed over: as JSON does.
 * @throws {EncodeError} when something in it has no JSON form; `path` says where.
 */
export function frozenCopy(
  value: unknown,
  key: string | number,
  parent: Place,
  dates: 'copy' | 'refuse' = 'copy',
): unknown {
  switch (typeof value) {
    case 'string':
    case 'boolean':
      return value;
    case 'number':
      if (!Number.isFinite(value)) throw refusal(parent, key, `${value} has no JSON form`);
      // -0 + 0 is 0
      return value + 0;
    case 'object':
      if (value === null) return null;
      if (Array.isArray(value)) return copyArray(value, enter(value, key, parent), dates);
      if (isPlain(value)) return copyObject(value, enter(value, key, parent), dates);
      if (types.isDate(value)) return copyDate(value, key, parent, dates);
      throw refusal(parent, key, `${classOf(value)} is neither a plain object, an array nor a Date`);
    case 'undefined':
      throw refusal(parent, key, 'undefined has no JSON form; use null');
    default:
      throw refusal(parent, key, `a ${typeof value} has no JSON form`);
  }
}

function copyArray(array: readonly unknown[], place: Place, dates: 'copy' | 'refuse'): readonly unknown[] {
  const copy: unknown[] = [];
  for (let index = 0; index < array.length; index += 1) {
    copy.push(frozenCopy(array[index], index, place, dates));
  }
  return Object.freeze(copy);
}

function copyObject(object: object, place: Place, dates: 'copy' | 'refuse'): object {
  const copy: Record<string, unknown> = {};
  copyProperties(object, copy, place, dates);
  return Object.freeze(copy);
}

/** Copies the own properties of one object into another, each as {@link frozenCopy} does. */
export function copyProperties(
  from: object,
  to: Record<string, unknown>,
  place: Place,
  dates: 'copy' | 'refuse' = 'copy',
): void {
  for (const key of Object.keys(from)) {
    const value = (from as Record<string, unknown>)[key];
    if (value === undefined) continue;
    // Assigning it would set the prototype instead.
    if (key === '__proto__') throw refusal(place, key, 'the key is not allowed');
    to[key] = frozenCopy(value, key, place, dates);
  }
}

function copyDate(date: Date, key: string | number, parent: Place, dates: 'copy' | 'refuse'): Date {
  if (dates === 'refuse') throw refusal(parent, key, 'a Date would come back as text; write it as text');
  if (Number.isNaN(date.getTime())) throw refusal(parent, key, 'the Date is invalid');
  return Object.freeze(new Date(date));
}

function enter(value: object, key: string | number, parent: Place): Place {
  for (let place: Place | undefined = parent; place !== undefined; place = place.parent) {
    if (place.container === value) throw refusal(parent, key, 'it contains itself');
  }
  if (parent.depth >= maxDepth) throw refusal(parent, key, `it is nested deeper than ${maxDepth} levels`);
  return within(parent, key, value);
}

/** Looks at the prototype's prototype, so that plain objects of other realms (vm, Jest) count as plain. */
export function isPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === null || Object.getPrototypeOf(prototype) === null;
}

function classOf(value: object): string {
  const name: unknown = (value as { readonly constructor?: { readonly name?: unknown } }).constructor?.name;
  return typeof name === 'string' && name !== '' ? `an instance of ${name}` : 'this object';
}

function refusal(parent: Place, key: string | number, why: string): EncodeError {
  const path = pathOf(parent, key);
  return new EncodeError(`${parent.eventType} can't be encoded: ${path}: ${why}.`, path);
}
