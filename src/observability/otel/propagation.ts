import {
  propagation,
  ROOT_CONTEXT,
  trace,
  type Context,
  type SpanContext,
  type TextMapGetter,
  type TextMapSetter,
} from '@opentelemetry/api';
import type { Headers } from '../../contracts/message.ts';

/** Header of a replayed message: the trace in which it was published first, in W3C's words. */
export const ORIGINAL_TRACE = 'x-original-traceparent';

// Names of headers are lower-case on every broker, and propagators of other formats write capitals.
const setter: TextMapSetter<Record<string, string>> = {
  set: (carrier, name, value) => void (carrier[name.toLowerCase()] = value),
};
const getter: TextMapGetter<Headers> = {
  get: (carrier, name) => carrier[name.toLowerCase()],
  keys: (carrier) => Object.keys(carrier),
};

/** What carries the context on beside a message; undefined where the process has no propagator. */
export function headersFor(context: Context): Record<string, string> | undefined {
  const carrier: Record<string, string> = {};
  propagation.inject(context, carrier, setter);
  for (const _ in carrier) return carrier;
  return undefined;
}

/** The context that came with a message. Whatever isn't one is passed over. */
export const contextIn = (headers: Headers): Context => propagation.extract(ROOT_CONTEXT, headers, getter);

/** The trace in which a replayed message was published first. */
export function originalTrace(headers: Headers): SpanContext | undefined {
  const traceparent = headers[ORIGINAL_TRACE];
  return traceparent === undefined ? undefined : trace.getSpanContext(contextIn({ traceparent }));
}
