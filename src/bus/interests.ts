import type { Interest } from '../contracts/transport.ts';
import type { EventRegistry } from '../events/registry.ts';
import type { Routes } from '../../machines/routes.ts';

interface Waiting {
  /** Undefined for every type. */
  readonly types: readonly string[] | undefined;
  readonly resolve: () => void;
}

/** What the subscriptions of one bus ask their broker for, and who waits until they are given it. */
export class Interests {
  readonly #routes: Routes;
  readonly #registry: EventRegistry;
  #waiting: Waiting[] = [];

  constructor(routes: Routes, registry: EventRegistry) {
    this.#routes = routes;
    this.#registry = registry;
  }

  current(): Interest {
    const isEverything = this.#routes.hasWildcard;
    const wanted = isEverything ? this.#registry.types() : this.#routes.types;
    return {
      isEverything,
      types: wanted.map((type) => ({
        type,
        aggregateType: this.#registry.getOrUndefined(type)?.aggregateType ?? '',
      })),
    };
  }

  /** Resolves once the group is given these types, which takes a bus that consumes. */
  stands(types: readonly string[] | undefined): Promise<void> {
    return new Promise((resolve) => this.#waiting.push({ types, resolve }));
  }

  /** The group is given all that now. */
  bound(interest: Interest): void {
    const given = new Set(interest.types.map(({ type }) => type));
    const isGiven = ({ types }: Waiting): boolean =>
      interest.isEverything || (types?.every((type) => given.has(type)) ?? false);
    const ready = this.#waiting.filter(isGiven);
    this.#waiting = this.#waiting.filter((one) => !isGiven(one));
    for (const { resolve } of ready) resolve();
  }
}
