import type { DomainEvent } from '../contracts/event.ts';
import type { HandlerFunction } from '../contracts/handler.ts';
import type { RetryPolicy } from '../contracts/settlement.ts';
import { ConfigurationError } from '../errors.ts';
import type { AnyEventDefinition } from '../events/event-definition.ts';
import type { EventRegistry } from '../events/registry.ts';
import type { HandlerObject, SubscribeOptions } from './api.ts';
import { parseOptions, retrySchema } from './options.ts';

// What is handed to subscribe(), checked; each throws a ConfigurationError that says what is wrong.

export function handlerFunction(handler: unknown): HandlerFunction {
  const object = handler as Partial<HandlerObject> | null | undefined;
  if (object !== null && object !== undefined && typeof object.handle === 'function')
    return (event: DomainEvent, context) => (object as HandlerObject).handle(event, context);
  if (typeof handler === 'function') return handler as HandlerFunction;
  throw new ConfigurationError(
    `A handler must be a function or an object with a handle() method, not ${handler === null ? 'null' : typeof handler}.`,
  );
}

export function requireDefinitions(
  definitions: readonly AnyEventDefinition[] | undefined,
  registry: EventRegistry | undefined,
): void {
  if (definitions === undefined) return;
  if (definitions.length === 0)
    throw new ConfigurationError('Subscribe to at least one event type, or use subscribeToAllEvents.');
  for (const definition of definitions as readonly (AnyEventDefinition | undefined)[]) {
    const type = definition?.type;
    if (typeof type !== 'string')
      throw new ConfigurationError('Subscribe to what defineEvent returned; this is no event definition.');
    if (registry !== undefined && registry.getOrUndefined(type) !== definition)
      throw new ConfigurationError(
        `"${type}" is not in the registry of this bus, so what the broker delivers could not be decoded. Pass { registry } to the bus.`,
      );
  }
}

/** @param longestMs that a retry can wait, which would be shortened to it; undefined where there is no such limit. */
export function policyOf(policy: RetryPolicy, options: SubscribeOptions, longestMs = Infinity): RetryPolicy {
  const { timeoutMs, retry } = options;
  if (timeoutMs !== undefined && !(timeoutMs >= 0 && timeoutMs <= 2_147_483_647))
    throw new ConfigurationError(
      `timeoutMs must be 0 (no limit) to 2147483647 milliseconds, not ${timeoutMs}.`,
    );
  if (retry === undefined) return policy;
  const given = parseOptions(retrySchema, retry, 'retry of a subscription');
  const { maxDelayMs } = given;
  if (maxDelayMs !== undefined && maxDelayMs > longestMs)
    throw new ConfigurationError(
      `retry.maxDelayMs of a subscription must be at most ${longestMs} where retries wait at the broker, not ${maxDelayMs}.`,
    );
  return {
    ...policy,
    ...Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)),
  };
}
