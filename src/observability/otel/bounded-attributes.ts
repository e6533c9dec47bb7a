import type { Attributes } from '@opentelemetry/api';

/** Most sets of attributes that one bus makes for one instrument. */
const MOST = 500;

/**
 * Sets of attributes, one object each, so that an attempt makes none. Handlers, event types and classes of errors are few in
 * a sound program; in another one what comes late is told under what it has in common with everything.
 */
export class BoundedAttributes {
  readonly #common: Attributes;
  readonly #names: readonly string[];
  readonly #known = new Map<string, Attributes>();

  /** @param names of what differs, in the order in which {@link of} is given the values. */
  constructor(common: Attributes, names: readonly string[]) {
    this.#common = common;
    this.#names = names;
  }

  /** A value that is undefined is left out. */
  of(...values: readonly (string | number | undefined)[]): Attributes {
    const key = values.join('\n');
    const known = this.#known.get(key);
    if (known !== undefined) return known;
    if (this.#known.size >= MOST) return this.#common;
    const made = { ...this.#common };
    for (const [at, name] of this.#names.entries()) if (values[at] !== undefined) made[name] = values[at];
    this.#known.set(key, made);
    return made;
  }
}
