import { DuplicateEventTypeError, EventTypeNotFoundError } from '../errors.ts';
import type { AnyEventDefinition } from './event-definition.ts';

/** The event types that a bus can decode, by name. Iterates over its definitions. */
export class EventRegistry implements Iterable<AnyEventDefinition> {
  readonly #definitions = new Map<string, AnyEventDefinition>();
  readonly #watchers = new Set<() => void>();

  /**
   * Adds a definition and returns it; one that is there already is left as it is.
   * @throws {DuplicateEventTypeError} when another definition has its type.
   */
  register<Definition extends AnyEventDefinition>(definition: Definition): Definition {
    const known = this.#definitions.get(definition.type);
    if (known !== undefined && known !== definition) throw new DuplicateEventTypeError(definition.type);
    this.#definitions.set(definition.type, definition);
    if (known === undefined) for (const registered of this.#watchers) registered();
    return definition;
  }

  /** Calls `registered` after each new definition, until the function it returns is called. */
  watch(registered: () => void): () => void {
    this.#watchers.add(registered);
    return () => void this.#watchers.delete(registered);
  }

  /** @throws {EventTypeNotFoundError} when there is none of that type; it lists those known. */
  get(type: string): AnyEventDefinition {
    const definition = this.#definitions.get(type);
    if (definition === undefined) throw new EventTypeNotFoundError(type, this.types());
    return definition;
  }

  getOrUndefined(type: string): AnyEventDefinition | undefined {
    return this.#definitions.get(type);
  }

  has(type: string): boolean {
    return this.#definitions.has(type);
  }

  /** Sorted. */
  types(): string[] {
    return [...this.#definitions.keys()].sort();
  }

  /** In order of registration. */
  definitions(): AnyEventDefinition[] {
    return [...this.#definitions.values()];
  }

  /** Whether there was one of that type. */
  unregister(type: string): boolean {
    return this.#definitions.delete(type);
  }

  clear(): void {
    this.#definitions.clear();
  }

  get size(): number {
    return this.#definitions.size;
  }

  [Symbol.iterator](): Iterator<AnyEventDefinition> {
    return this.#definitions.values();
  }
}

/** Where `defineEvent` registers unless told otherwise, and where a bus looks unless told otherwise. */
export const defaultRegistry: EventRegistry = new EventRegistry();
