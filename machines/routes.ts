import type { AnyActorRef } from 'xstate';
import type { Headers } from '../src/contracts/message.ts';
import type { HandlerFlow } from './handler-flow.ts';

/** The handler actor of one subscription. */
export interface Route {
  readonly subscription: string;
  readonly handler: AnyActorRef;
  /** Of that actor, where it may be asked without a message. */
  readonly flow?: HandlerFlow;
}

const NONE: readonly Route[] = [];

/** Which handlers get an event of a type: in registration order, those for the type before those for all. */
export class Routes {
  readonly #specific = new Map<string, Route[]>();
  #wildcard: readonly Route[] = NONE;
  /** Specific and wildcard together, made once a change and not once a delivery. */
  readonly #merged = new Map<string, readonly Route[]>();

  of(type: string): readonly Route[] {
    // Types nobody asked for aren't remembered: their number has no bound.
    return this.#merged.get(type) ?? this.#wildcard;
  }

  /** Those that a handler names; the wildcard's aren't among them. */
  get types(): readonly string[] {
    return [...this.#specific.keys()];
  }

  get hasWildcard(): boolean {
    return this.#wildcard.length > 0;
  }

  get isEmpty(): boolean {
    return this.#wildcard.length === 0 && this.#specific.size === 0;
  }

  /** Undefined types means every type. */
  add(types: readonly string[] | undefined, route: Route): void {
    if (types === undefined) this.#wildcard = [...this.#wildcard, route];
    else
      for (const type of types) {
        const routes = this.#specific.get(type);
        if (routes === undefined) this.#specific.set(type, [route]);
        else routes.push(route);
      }
    this.#merge();
  }

  remove(route: Route): void {
    this.#wildcard = this.#wildcard.filter((other) => other !== route);
    for (const [type, routes] of this.#specific) {
      const left = routes.filter((other) => other !== route);
      if (left.length === 0) this.#specific.delete(type);
      else this.#specific.set(type, left);
    }
    this.#merge();
  }

  #merge(): void {
    this.#merged.clear();
    for (const [type, routes] of this.#specific) this.#merged.set(type, [...routes, ...this.#wildcard]);
  }
}

/** Header of a replayed message that is meant for some handlers only: their names, URI-encoded, comma between. */
export const TARGETS = 'x-target-handlers';

/** Header of a message whose earlier attempts waited at the broker: the number of its next one. */
export const ATTEMPT = 'x-attempt';

/** 1 where the header is absent or isn't a number to count with. */
export function attemptOf(headers: Headers): number {
  const attempt = Number(headers[ATTEMPT] ?? 1);
  return Number.isSafeInteger(attempt) && attempt > 0 ? attempt : 1;
}

export function targeted(routes: readonly Route[], headers: Headers): readonly Route[] {
  const targets = headers[TARGETS];
  if (targets === undefined) return routes;
  const names = new Set(targets.split(',').map(decoded));
  return routes.filter(({ subscription }) => names.has(subscription));
}

/** A header that somebody else wrote may be anything: it must not stop the consumer that reads it. */
function decoded(name: string): string {
  try {
    return decodeURIComponent(name);
  } catch {
    return name;
  }
}
