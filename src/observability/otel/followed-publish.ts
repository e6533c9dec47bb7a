import {
  context,
  SpanKind,
  SpanStatusCode,
  trace,
  type Attributes,
  type Context,
  type Span,
} from '@opentelemetry/api';
import type { DomainEvent } from '../../contracts/event.ts';
import type { Headers } from '../../contracts/message.ts';
import type { DispatchTelemetry, PublishTelemetry } from '../../contracts/telemetry.ts';
import { FollowedDispatch } from './followed-dispatch.ts';
import type { Thrown } from './measures.ts';
import { headersFor } from './propagation.ts';
import { errorType, guarded, type Scope } from './scope.ts';
import { describeSubject, type Following } from './spans.ts';

/** One call of publish: a span, and in it one for each event of a list, so that each goes on in a context of its own. */
export class FollowedPublish implements PublishTelemetry {
  readonly #following: Following;
  readonly #events: readonly DomainEvent[];
  readonly #startedAt = performance.now();
  #span: Span | undefined = undefined;
  /** One for each event, or the one for all where nobody traces. */
  #contexts: readonly Context[] = [];
  #isOver = false;

  constructor(following: Following, events: readonly DomainEvent[]) {
    this.#following = following;
    this.#events = events;
    guarded(following.scope, () => this.#start());
  }

  headers(at: number): Headers | undefined {
    const own = this.#contexts[at];
    return own && guarded(this.#following.scope, () => headersFor(own));
  }

  dispatch(at: number): DispatchTelemetry | undefined {
    const from = this.#contexts[at];
    return new FollowedDispatch(this.#following, { delivery: undefined, from: from ?? context.active() });
  }

  follow(published: Promise<void>): Promise<void> {
    published.then(
      () => this.#ended(undefined),
      (error: unknown) => this.#ended({ error }),
    );
    return published;
  }

  refused(error: unknown): void {
    this.#ended({ error });
  }

  #start(): void {
    const { tracer, scope } = this.#following;
    if (tracer === undefined) return;
    const [first] = this.#events;
    const isList = this.#events.length > 1;
    const outside = context.active();
    const attributes: Attributes =
      first === undefined || isList
        ? {
            'messaging.system': scope.system,
            'messaging.destination.name': scope.destination,
            'messaging.batch.message_count': this.#events.length,
          }
        : eventAttributes(scope, first);
    if (isList) scope.client.describe(attributes);
    attributes['messaging.operation.name'] = 'publish';
    attributes['messaging.operation.type'] = 'send';
    attributes['eventsource.event.count'] = this.#events.length;
    // Of a list the events have spans that produce; this one only sends.
    const kind = isList ? SpanKind.CLIENT : SpanKind.PRODUCER;
    const span = tracer.startSpan('eventsource.event_bus.publish', { kind, attributes }, outside);
    this.#span = span;
    const within = trace.setSpan(outside, span);
    if (!isList) {
      this.#contexts = [within];
      return;
    }
    this.#contexts = this.#events.map((event) => {
      const own = eventAttributes(scope, event);
      own['messaging.operation.name'] = 'create';
      own['messaging.operation.type'] = 'create';
      const options = { kind: SpanKind.PRODUCER, attributes: own };
      const created = tracer.startSpan('eventsource.event_bus.create', options, within);
      created.end();
      return trace.setSpan(within, created);
    });
  }

  #ended(failure: Thrown | undefined): void {
    if (this.#isOver) return;
    this.#isOver = true;
    const { scope, measures } = this.#following;
    guarded(scope, () => {
      const tookMs = performance.now() - this.#startedAt;
      const stored = failure === undefined ? this.#events.length : storedOf(failure.error);
      const types = this.#events.map(({ eventType }) => eventType);
      for (const one of measures) one.published(types, stored, tookMs, failure);
      if (failure !== undefined) {
        const { error } = failure;
        this.#span?.setAttribute('error.type', errorType(error));
        if (error instanceof Error) this.#span?.recordException(error);
        this.#span?.setStatus({ code: SpanStatusCode.ERROR });
      }
      this.#span?.end();
    });
  }
}

/** Whoever publishes belongs to no group. */
function eventAttributes({ system, destination, client }: Scope, event: DomainEvent): Attributes {
  const attributes: Attributes = {
    'messaging.system': system,
    'messaging.destination.name': destination,
  };
  const { eventType: type, eventId: id, aggregateType, aggregateId } = event;
  describeSubject(attributes, { type, id, aggregateType, aggregateId });
  client.describePublish(attributes, event);
  return attributes;
}

/** A PublishError knows which of them are stored. */
const storedOf = (error: unknown): number =>
  (error as { readonly stored?: readonly string[] } | null | undefined)?.stored?.length ?? 0;
