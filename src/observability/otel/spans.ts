import {
  SpanKind,
  trace,
  type Attributes,
  type Context,
  type Link,
  type Span,
  type Tracer,
} from '@opentelemetry/api';
import type { Headers } from '../../contracts/message.ts';
import type { Delivery } from '../../contracts/transport.ts';
import type { Measures } from './measures.ts';
import { contextIn, originalTrace } from './propagation.ts';
import type { Scope } from './scope.ts';

/** Whether the spans of a delivery belong to the trace of its publish, or have a trace of their own, linked to it. */
export type Relation = 'child' | 'link';

/** What a dispatch came from. */
export interface Origin {
  /** Undefined on a bus that delivers its events itself. */
  readonly delivery: Delivery | undefined;
  /** Where its publish left its context. */
  readonly from: Headers | Context;
}

/** Who is told of what happens, and how. */
export interface Following {
  readonly scope: Scope;
  readonly relation: Relation;
  readonly tracer: Tracer | undefined;
  readonly measures: readonly Measures[];
}

/** The event that a span is about. */
export interface Subject {
  readonly type: string;
  readonly id: string;
  readonly aggregateType: string;
  readonly aggregateId: string;
}

/** Says in a span which event it is about. */
export function describeSubject(
  attributes: Attributes,
  { type, id, aggregateType, aggregateId }: Subject,
): void {
  attributes['messaging.message.id'] = id;
  attributes['eventsource.event.type'] = type;
  attributes['eventsource.event.id'] = id;
  attributes['eventsource.aggregate.type'] = aggregateType;
  attributes['eventsource.aggregate.id'] = aggregateId;
}

export interface Started {
  readonly span: Span;
  /** With that span in it. */
  readonly context: Context;
}

export function startDispatchSpan(
  { scope, relation }: Following,
  tracer: Tracer,
  { delivery, from }: Origin,
  subject: Subject,
  handlers: number,
): Started {
  const { parent, links } = relatives(from, relation);
  // One literal and assignments: to spread objects for every event costs more than the span.
  const attributes: Attributes = {
    'messaging.system': scope.system,
    'messaging.destination.name': delivery?.destination ?? scope.destination,
    'messaging.consumer.group.name': scope.group,
    'messaging.operation.name': 'dispatch',
    'messaging.operation.type': 'process',
    'eventsource.handler.count': handlers,
  };
  describeSubject(attributes, subject);
  scope.client.describe(attributes);
  if (delivery !== undefined) addPlace(attributes, delivery);
  const kind = delivery === undefined ? SpanKind.INTERNAL : SpanKind.CONSUMER;
  const span = tracer.startSpan('eventsource.event_bus.dispatch', { kind, links, attributes }, parent);
  return { span, context: trace.setSpan(parent, span) };
}

function addPlace(attributes: Attributes, delivery: Delivery): void {
  const { position, partition, deliveryCount, spanAttributes } = delivery;
  attributes['buschart.delivery.position'] = position;
  if (partition !== undefined) attributes['messaging.destination.partition.id'] = partition;
  if (deliveryCount !== undefined) attributes['buschart.delivery.count'] = deliveryCount;
  if (spanAttributes !== undefined) Object.assign(attributes, spanAttributes);
}

/** A replayed message is also linked to the trace in which it was published first. */
function relatives(
  from: Headers | Context,
  relation: Relation,
): { readonly parent: Context; readonly links: Link[] } {
  const isContext = isContextLike(from);
  const sent = isContext ? from : contextIn(from);
  const original = isContext ? undefined : originalTrace(from);
  const links: Link[] = original === undefined ? [] : [{ context: original }];
  const publish = trace.getSpanContext(sent);
  if (publish === undefined) return { parent: sent, links };
  const isOriginal = publish.spanId === original?.spanId;
  if (relation === 'child' && !isOriginal) return { parent: sent, links };
  if (!isOriginal) links.push({ context: publish });
  return { parent: trace.deleteSpan(sent), links };
}

const isContextLike = (from: Headers | Context): from is Context => typeof from['getValue'] === 'function';

export function startHandleSpan(
  tracer: Tracer,
  parent: Context,
  { type, id }: Subject,
  { subscription, attempt }: { readonly subscription: string; readonly attempt: number },
): Span {
  const attributes: Attributes = {
    'eventsource.event.type': type,
    'eventsource.event.id': id,
    'eventsource.handler.name': subscription,
  };
  // Earlier ones waited at the broker.
  if (attempt > 1) attributes['buschart.attempt'] = attempt;
  return tracer.startSpan('eventsource.event_bus.handle', { attributes }, parent);
}
