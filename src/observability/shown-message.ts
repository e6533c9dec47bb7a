import type { AnyEventObject } from 'xstate';
import type { Message } from '../contracts/message.ts';
import type { Dispatch } from '../../machines/dispatch.ts';
import type { Payloads } from './inspection.ts';
import { ShownError, shownText } from './shown-error.ts';
import { shownEvent, shownMessage } from './shown-payload.ts';

const LIST = 10;
const DEPTH = 3;

/** Fields of actor messages that hold machinery, or what a user handed in. */
const MACHINERY = new Set(['input', 'output', 'connection', 'source', 'dispatch', 'handler', 'notice']);

/** A message between actors as an observer may see it: facts about it, and neither code nor connections. */
export function shownActorMessage(message: AnyEventObject, payloads: Payloads): AnyEventObject {
  switch (message.type) {
    case 'deliver': {
      const { dispatch, attempt } = message as unknown as { dispatch: Dispatch; attempt: number };
      return { type: message.type, attempt, ...shownEvent(dispatch.event, dispatch.headers, payloads) };
    }
    case 'delivery.troubled': {
      const { event, headers } = message['dispatch'] as Dispatch;
      return { type: message.type, ...shownEvent(event, headers, payloads) };
    }
    case 'publish':
      return { type: message.type, ...shownRequest(message['request'], payloads) };
    case 'deliveries': {
      const batch = message['batch'] as readonly { readonly message: Message }[];
      const events = batch.slice(0, LIST).map((delivery) => shownMessage(delivery.message, payloads));
      return { type: message.type, count: batch.length, events };
    }
    case 'subscribe': {
      const { name, eventTypes } = message['input'] as { name: string; eventTypes?: readonly string[] };
      return { type: message.type, id: message['id'] as unknown, name, eventTypes };
    }
  }
  return { ...(facts(message, DEPTH) as object), type: message.type };
}

/** What a publish asks for: one event on its way on the embedded bus, or encoded messages. */
function shownRequest(request: unknown, payloads: Payloads): object {
  const { messages, event, headers } = request as {
    readonly messages?: readonly Message[];
    readonly event?: Dispatch['event'];
    readonly headers?: Dispatch['headers'];
  };
  if (messages !== undefined) {
    const events = messages.slice(0, LIST).map((message) => shownMessage(message, payloads));
    return { count: messages.length, events };
  }
  return { count: 1, events: [shownEvent(event ?? {}, headers ?? {}, payloads)] };
}

/** Numbers, names and errors of a plain object; what is neither is left out. */
function facts(value: unknown, depth: number): unknown {
  if (value instanceof Error) return ShownError.of(value);
  if (typeof value === 'string') return shownText(value);
  if (typeof value === 'number' || typeof value === 'boolean') return value;
  if (depth === 0 || typeof value !== 'object' || value === null) return undefined;
  if (Array.isArray(value)) return value.slice(0, LIST).map((inner) => facts(inner, depth - 1));
  if (Object.getPrototypeOf(value) !== Object.prototype) return undefined;
  const shown: [string, unknown][] = [];
  for (const [key, inner] of Object.entries(value)) {
    if (MACHINERY.has(key)) continue;
    // Anything can be thrown, a user's own object too.
    const isThrown = (key === 'error' || key === 'reason') && inner !== undefined;
    const fact = isThrown ? ShownError.of(inner) : facts(inner, depth - 1);
    if (fact !== undefined) shown.push([key, fact]);
  }
  return Object.fromEntries(shown);
}
