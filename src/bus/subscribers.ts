import type { ActorRefFrom, AnyActorRef } from 'xstate';
import type { Logger } from '../contracts/logger.ts';
import type { RetryPolicy } from '../contracts/settlement.ts';
import { BusStoppedError } from '../errors.ts';
import type { AnyEventDefinition } from '../events/event-definition.ts';
import type { EventRegistry } from '../events/registry.ts';
import { guardListeners } from '../observability/guarded-listeners.ts';
import type { Route, Routes } from '../../machines/routes.ts';
import type { handlerLogic } from '../../machines/handler.ts';
import type { HandlerInput } from '../../machines/handler-flow.ts';
import type { BusActor, SubscriptionActor } from '../../machines/index.ts';
import { SUBSCRIPTION } from '../../machines/bus-input.ts';
import type { Handler, SubscribeOptions, Subscription } from './api.ts';
import { handlerFunction, policyOf, requireDefinitions } from './subscribe-arguments.ts';

interface Subscribed {
  readonly id: string;
  readonly name: string;
  /** Undefined for every type. */
  readonly types: readonly string[] | undefined;
  readonly handler: unknown;
  /** Undefined until the bus has taken in the `subscribe` message. */
  actor: SubscriptionActor | undefined;
  route: Route | undefined;
  readonly policy: RetryPolicy;
  /** What to tell its actor once that is there. */
  readonly early: ({ readonly type: 'pause' } | { readonly type: 'resume' })[];
}

export interface SubscribersSettings {
  readonly actor: BusActor;
  readonly routes: Routes;
  readonly policy: RetryPolicy;
  /** Milliseconds that a retry can wait at the broker; undefined where it waits in this process. */
  readonly longestDeferMs: number | undefined;
  readonly logger: Logger;
  /** What the broker delivers is decoded by it; undefined on the embedded bus. */
  readonly registry: EventRegistry | undefined;
  /** Settles once the group is given these types; undefined means all. */
  readonly stands: (types: readonly string[] | undefined) => Promise<void>;
  /** Milliseconds within which the broker wants a delivery settled. */
  readonly deliveryTimeoutMs: number;
  /** All of a handler's input that doesn't depend on the subscription. */
  readonly handlerInput: Omit<HandlerInput, 'subscription' | 'handle' | 'timeoutMs'>;
}

const DEFAULT_TIMEOUT_MS = 300_000;

/** The subscriptions of one bus: their names, their routes and their actors. */
export class Subscribers {
  readonly #settings: SubscribersSettings;
  readonly #byName = new Map<string, Subscribed>();
  /** XState remembers every child id for ever, so ids are used again. */
  readonly #freeIds: string[] = [];
  #ids = 0;

  constructor(settings: SubscribersSettings) {
    this.#settings = settings;
  }

  /** @throws {ConfigurationError} when the handler is neither a function nor has `handle`, or an option is wrong.
   *  @throws {BusStoppedError} after shutdown. */
  add(
    definitions: readonly AnyEventDefinition[] | undefined,
    handler: Handler<never>,
    options: SubscribeOptions = {},
  ): Subscription {
    const handle = handlerFunction(handler);
    if (this.#settings.actor.getSnapshot().status !== 'active') throw new BusStoppedError('stopped');
    const { actor, handlerInput, longestDeferMs, registry } = this.#settings;
    requireDefinitions(definitions, registry);
    const policy = policyOf(this.#settings.policy, options, longestDeferMs);
    const types = definitions && [...new Set(definitions.map(({ type }) => type))];
    const name = this.#nameOf(handler, types, options.name);
    const id = this.#freeIds.pop() ?? `${SUBSCRIPTION}${this.#ids++}`;
    const timeoutMs = options.timeoutMs ?? DEFAULT_TIMEOUT_MS;
    this.#warnOfTimeout(name, timeoutMs);
    actor.send({
      type: 'subscribe',
      id,
      input: { name, eventTypes: types, handler: { ...handlerInput, subscription: name, handle, timeoutMs } },
    });
    const subscribed: Subscribed = {
      id,
      name,
      types,
      handler,
      actor: undefined,
      route: undefined,
      policy,
      early: [],
    };
    this.#byName.set(name, subscribed);
    const unsubscribe = (): void => this.#remove(subscribed);
    this.#attach(subscribed, () => options.signal?.removeEventListener('abort', unsubscribe));
    options.signal?.addEventListener('abort', unsubscribe, { once: true });
    if (options.signal?.aborted === true) unsubscribe();
    return subscriptionOf(subscribed, this.#settings.stands(types), unsubscribe);
  }

  /** At once; but within a handler that the bus is calling right now, only when the bus is done with that. */
  #attach(subscribed: Subscribed, ended: () => void): void {
    const { actor, routes } = this.#settings;
    const { id, name, types, early } = subscribed;
    const child = actor.getSnapshot().children[id] as unknown as SubscriptionActor | undefined;
    if (child === undefined) {
      const following = actor.subscribe((snapshot) => {
        if (snapshot.children[id] === undefined) return;
        following.unsubscribe();
        this.#attach(subscribed, ended);
      });
      return;
    }
    guardListeners(child, this.#settings.logger);
    subscribed.actor = child;
    child.subscribe({
      complete: () => {
        ended();
        this.#freeIds.push(id);
      },
      error: () => undefined,
    });
    if (this.#byName.get(name) !== subscribed) return;
    const handler = child.getSnapshot().children.handler as ActorRefFrom<typeof handlerLogic>;
    subscribed.route = { subscription: name, handler, flow: handler.getSnapshot().context.flow };
    routes.add(types, subscribed.route);
    for (const event of early.splice(0)) child.send(event);
    actor.send({ type: 'subscriptions.changed' });
  }

  /** Removes the first subscription of this very handler to that type, or, without one, to every type. */
  removeHandler(definition: AnyEventDefinition | undefined, handler: Handler<never>): boolean {
    for (const subscribed of this.#byName.values()) {
      const { types, handler: other } = subscribed;
      const isMeant = definition === undefined ? types === undefined : types?.includes(definition.type);
      if (other !== handler || isMeant !== true) continue;
      this.#remove(subscribed);
      return true;
    }
    return false;
  }

  clear(): void {
    for (const subscribed of [...this.#byName.values()]) this.#remove(subscribed);
  }

  count(definition: AnyEventDefinition | undefined): number {
    let count = 0;
    for (const { types } of this.#byName.values())
      if (types !== undefined && (definition === undefined || types.includes(definition.type))) count++;
    return count;
  }

  get wildcardCount(): number {
    let count = 0;
    for (const { types } of this.#byName.values()) if (types === undefined) count++;
    return count;
  }

  handlerOf(name: string): { readonly ref: AnyActorRef; readonly policy: RetryPolicy } | undefined {
    const subscribed = this.#byName.get(name);
    return subscribed?.route && { ref: subscribed.route.handler, policy: subscribed.policy };
  }

  /** The actor of a subscription that is still there. */
  actorOf(name: string): SubscriptionActor | undefined {
    return this.#byName.get(name)?.actor;
  }

  #remove(subscribed: Subscribed): void {
    const { id, name, route } = subscribed;
    // By identity: the name may belong to a later subscription already.
    if (this.#byName.get(name) !== subscribed) return;
    this.#byName.delete(name);
    if (route !== undefined) this.#settings.routes.remove(route);
    this.#settings.actor.send({ type: 'unsubscribe', id, subscription: name });
    this.#settings.actor.send({ type: 'subscriptions.changed' });
  }

  #warnOfTimeout(name: string, timeoutMs: number): void {
    const { deliveryTimeoutMs, logger } = this.#settings;
    if (timeoutMs > 0 ? timeoutMs < deliveryTimeoutMs : deliveryTimeoutMs === Infinity) return;
    logger.warn(
      { name, timeoutMs, deliveryTimeoutMs },
      `The handler of "${name}" may take ${timeoutMs > 0 ? `${timeoutMs} ms` : 'for ever'}, but after ${deliveryTimeoutMs} ms the broker takes back what it works on, and hands it out again. Give it a shorter timeoutMs.`,
    );
  }

  #nameOf(handler: unknown, types: readonly string[] | undefined, given: string | undefined): string {
    const wanted = given ?? (ownName(handler) || (types?.join('+') ?? 'all events'));
    if (!this.#byName.has(wanted)) return wanted;
    let number = 2;
    while (this.#byName.has(`${wanted}#${number}`)) number++;
    const name = `${wanted}#${number}`;
    this.#settings.logger.warn(
      { name },
      `A second subscription is called "${wanted}"; this one is "${name}". Name it, so that a replay finds it.`,
    );
    return name;
  }
}

function subscriptionOf(subscribed: Subscribed, ready: Promise<void>, unsubscribe: () => void): Subscription {
  const tell = (event: Subscribed['early'][number]): void => {
    if (subscribed.actor === undefined) subscribed.early.push(event);
    else subscribed.actor.send(event);
  };
  return {
    name: subscribed.name,
    ready,
    unsubscribe,
    pause: () => tell({ type: 'pause' }),
    resume: () => tell({ type: 'resume' }),
    get actor() {
      if (subscribed.actor === undefined)
        throw new Error('A subscription made within a handler has its actor once that handler has returned.');
      return subscribed.actor;
    },
    [Symbol.dispose]: unsubscribe,
  };
}

function ownName(handler: unknown): string {
  if (typeof handler === 'function') return handler.name;
  const { name } = (handler as object).constructor;
  return name === 'Object' ? '' : name;
}
