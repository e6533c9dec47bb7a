import { context, metrics, propagation, SpanKind, trace, type Attributes } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { W3CTraceContextPropagator } from '@opentelemetry/core';
import {
  AggregationTemporality,
  MeterProvider,
  PeriodicExportingMetricReader,
} from '@opentelemetry/sdk-metrics';
import { BasicTracerProvider, BatchSpanProcessor } from '@opentelemetry/sdk-trace-base';
import { byTurns } from './by-turns.ts';
import { consuming } from './jobs.ts';
import { buschart, CONTEXT, enter, someOrders, type Bus, type OrderHandler } from './memory.ts';
import type { Enter } from './protocol.ts';
import { redisBus } from './redis.ts';

// Exporters that take everything and do nothing with it.

const DONE = { code: 0 };

function registerTraces(): void {
  const exporter = {
    export: (_spans: unknown, done: (result: typeof DONE) => void) => done(DONE),
    shutdown: () => Promise.resolve(),
  };
  trace.setGlobalTracerProvider(
    new BasicTracerProvider({ spanProcessors: [new BatchSpanProcessor(exporter)] }),
  );
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
  propagation.setGlobalPropagator(new W3CTraceContextPropagator());
}

function registerMetrics(): void {
  const exporter = {
    export: (_metrics: unknown, done: (result: typeof DONE) => void) => done(DONE),
    forceFlush: () => Promise.resolve(),
    shutdown: () => Promise.resolve(),
    selectAggregationTemporality: () => AggregationTemporality.CUMULATIVE,
  };
  const reader = new PeriodicExportingMetricReader({
    exporter,
    exportIntervalMillis: 1000,
    exportTimeoutMillis: 500,
  });
  metrics.setGlobalMeterProvider(new MeterProvider({ readers: [reader] }));
}

/** What one writes by hand around a handler to see as much: the same spans, which say the same. */
function byHand(): Bus {
  let handler: OrderHandler;
  const tracer = trace.getTracer('by hand');
  const within = (
    name: string,
    options: { readonly kind?: SpanKind; readonly attributes: Attributes },
    outcome: Attributes,
    call: () => Promise<void>,
  ): Promise<void> =>
    tracer.startActiveSpan(name, options, async (span) => {
      try {
        await call();
        span.setAttributes(outcome);
      } finally {
        span.end();
      }
    });
  return {
    subscribe: (given) => void (handler = given),
    async publish(order) {
      const { eventId, eventType, aggregateType, aggregateId } = order;
      const event = { 'eventsource.event.type': eventType, 'eventsource.event.id': eventId };
      const operation = (name: string, type: string, more: Attributes): Attributes => ({
        'messaging.system': 'memory',
        'messaging.destination.name': 'orders',
        'messaging.operation.name': name,
        'messaging.operation.type': type,
        'messaging.client.id': 'by hand',
        'messaging.message.id': eventId,
        ...event,
        'eventsource.aggregate.type': aggregateType,
        'eventsource.aggregate.id': aggregateId,
        ...more,
      });
      const handle = (): Promise<void> => {
        const attributes = { ...event, 'eventsource.handler.name': 'handler' };
        const outcome = { 'eventsource.handler.success': true };
        return within('handle', { attributes }, outcome, () => handler(order, CONTEXT));
      };
      const dispatch = (): Promise<void> => {
        const group = { 'messaging.consumer.group.name': 'by hand', 'eventsource.handler.count': 1 };
        const attributes = operation('dispatch', 'process', group);
        return within('dispatch', { attributes }, { 'buschart.outcome': 'succeeded' }, handle);
      };
      const attributes = operation('publish', 'send', { 'eventsource.event.count': 1 });
      await within('publish', { kind: SpanKind.PRODUCER, attributes }, {}, dispatch);
    },
    close: () => Promise.resolve(),
  };
}

const after =
  (register: () => void, then: Enter): Enter =>
  (place) => {
    register();
    return then(place);
  };

/** Not even whether an SDK is there is asked. */
const OFF = { enableTracing: false, enableMetrics: false };

const registerAll = (): void => {
  registerTraces();
  registerMetrics();
};

export const tracedContestants: Readonly<Record<string, Enter>> = {
  'telemetry: none': enter(buschart, 1),
  'telemetry: none, by turns with off': (place) => {
    const job = { orders: someOrders(), roundMs: 40 };
    const off = () => buschart(OFF);
    return byTurns(enter(buschart, 1, job), enter(off, 1, job), { pairs: 10, turns: 10 })(place);
  },
  'telemetry: metrics': after(registerMetrics, enter(buschart, 1)),
  'telemetry: traces': after(registerTraces, enter(buschart, 1)),
  'telemetry: by hand': after(registerTraces, enter(byHand, 1)),
  'redis consume: buschart, by turns with telemetry off': byTurns(
    consuming(20_000)(redisBus()),
    consuming(20_000)(redisBus(OFF)),
    { pairs: 1, turns: 6 },
  ),
  'redis consume: buschart, traced': after(registerAll, consuming(20_000)(redisBus())),
};
