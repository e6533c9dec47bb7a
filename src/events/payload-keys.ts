import { EncodeError } from '../errors.ts';
import { isPlain } from './frozen-copy.ts';

/** How payload keys are spelled on the wire. Both directions go through nested objects too; metadata is left alone. */
export interface PayloadKeys {
  /** @throws {EncodeError} when the key couldn't be told from another one when it is read. */
  toWire(key: string): string;
  /** The value with its own keys changed. */
  valueToWire(value: unknown, path: string): unknown;
  /** @throws {TypeError} when two keys become one. */
  fromWire(payload: Record<string, unknown>): Record<string, unknown>;
}

/**
 * `customerId` in TypeScript, `customer_id` on the wire. Every object's keys are changed, a record's too, so a key
 * that has an underscore before a small letter already is refused: it would come back in camelCase.
 */
export const snakeCaseKeys: PayloadKeys = {
  toWire: (key) => toSnakeCase(key, key),
  valueToWire(value, path) {
    if (typeof value !== 'object' || value === null) return value;
    if (Array.isArray(value)) return value.map((item, index) => this.valueToWire(item, `${path}[${index}]`));
    if (!isPlain(value)) return value;
    const renamed: Record<string, unknown> = {};
    for (const [key, item] of Object.entries(value)) {
      renamed[toSnakeCase(key, `${path}.${key}`)] = this.valueToWire(item, `${path}.${key}`);
    }
    return renamed;
  },
  fromWire: (payload) => withCamelCaseKeys(payload) as Record<string, unknown>,
};

function toSnakeCase(key: string, path: string): string {
  if (/_[a-z]/.test(key)) {
    throw new EncodeError(
      `${path}: with payloadKeys 'snake_case' a key is written in camelCase, not "${key}".`,
      path,
    );
  }
  return key.replace(/[A-Z]/g, (capital) => `_${capital.toLowerCase()}`);
}

function withCamelCaseKeys(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map(withCamelCaseKeys);
  const renamed: Record<string, unknown> = {};
  for (const [key, item] of Object.entries(value)) {
    const name = key.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());
    if (Object.hasOwn(renamed, name)) throw new TypeError(`"${key}" and another key both become "${name}"`);
    renamed[name] = withCamelCaseKeys(item);
  }
  return renamed;
}
