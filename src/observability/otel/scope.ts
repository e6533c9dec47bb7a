import type { Attributes } from '@opentelemetry/api';
import type { Client } from './client.ts';

/** What everything that one bus traces and measures says of the bus. */
export interface Scope {
  /** Value of `messaging.system`. */
  readonly system: string;
  readonly destination: string;
  readonly group: string | undefined;
  readonly client: Client;
  /** Whether this process has a definition of the type. */
  readonly isKnown: (type: string) => boolean;
  /** A tracer, a meter or a propagator threw: told once, and nothing else follows from it. */
  readonly failed: (error: unknown) => void;
}

/** Attributes of the messaging conventions that are the same for all. */
export const scopeAttributes = ({ system, destination, group }: Scope): Attributes => ({
  'messaging.system': system,
  'messaging.destination.name': destination,
  ...(group !== undefined && { 'messaging.consumer.group.name': group }),
});

/** Runs what calls into the user's SDK; undefined when that threw. */
export function guarded<T>({ failed }: Scope, call: () => T): T | undefined {
  try {
    return call();
  } catch (error) {
    failed(error);
    return undefined;
  }
}

/** Value of `error.type`: the name of the error's class, as the conventions ask for. */
export function errorType(error: unknown): string {
  try {
    const { name } = error as { readonly name?: unknown };
    return typeof name === 'string' && name !== '' ? name : typeof error;
  } catch {
    return '_OTHER';
  }
}
