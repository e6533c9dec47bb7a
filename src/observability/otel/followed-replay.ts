import {
  context,
  SpanKind,
  SpanStatusCode,
  trace,
  type Attributes,
  type Link,
  type Span,
} from '@opentelemetry/api';
import type { Headers, Message } from '../../contracts/message.ts';
import { headersFor, originalTrace } from './propagation.ts';
import { errorType, guarded, scopeAttributes } from './scope.ts';
import { describeSubject, type Following } from './spans.ts';

/** The replay of one dead letter: its delivery goes on in the trace of whoever replays, linked to that of the publish. */
export class FollowedReplay {
  readonly headers: Headers;
  readonly #following: Following;
  readonly #span: Span | undefined;

  constructor(following: Following, headers: Readonly<Record<string, string>>, message: Message) {
    this.#following = following;
    const { tracer, scope } = following;
    const outside = context.active();
    this.#span =
      tracer &&
      guarded(scope, () => {
        const original = originalTrace(headers);
        const links: Link[] = original === undefined ? [] : [{ context: original }];
        const attributes: Attributes = {
          ...scopeAttributes(scope),
          ...messageAttributes(message),
          'messaging.operation.name': 'replay',
          'messaging.operation.type': 'send',
          'eventsource.event.count': 1,
        };
        scope.client.describe(attributes);
        return tracer.startSpan(
          'eventsource.event_bus.publish',
          { kind: SpanKind.PRODUCER, links, attributes },
          outside,
        );
      });
    const span = this.#span;
    const own = span && guarded(scope, () => headersFor(trace.setSpan(outside, span)));
    this.headers = { ...headers, ...own };
    if (own?.['traceparent'] !== undefined && own['tracestate'] === undefined) {
      // It belongs to the trace that was left. Baggage belongs to none: the publisher's goes on, unless there is other.
      const { tracestate: _, ...kept } = this.headers;
      this.headers = kept;
    }
  }

  async follow<T>(replayed: Promise<T>): Promise<T> {
    try {
      return await replayed;
    } catch (error) {
      guarded(this.#following.scope, () => {
        this.#span?.setAttribute('error.type', errorType(error));
        this.#span?.setStatus({ code: SpanStatusCode.ERROR });
      });
      throw error;
    } finally {
      guarded(this.#following.scope, () => this.#span?.end());
    }
  }
}

/** What was dead-lettered may name neither its type nor its id. */
function messageAttributes({ id, type, key, attributes: { aggregateType = '' } }: Message): Attributes {
  const attributes: Attributes = {};
  describeSubject(attributes, { type, id, aggregateType, aggregateId: key });
  return Object.fromEntries(Object.entries(attributes).filter(([, value]) => value !== ''));
}
