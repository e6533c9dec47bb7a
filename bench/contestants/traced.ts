import { context, metrics, propagation, SpanKind, trace } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { W3CTraceContextPropagator } from '@opentelemetry/core';
import {
  AggregationTemporality,
  MeterProvider,
  PeriodicExportingMetricReader,
} from '@opentelemetry/sdk-metrics';
import { BasicTracerProvider, BatchSpanProcessor } from '@opentelemetry/sdk-trace-base';
import { consuming } from './jobs.ts';
import { buschart, CONTEXT, enter, type Bus, type OrderHandler } from './memory.ts';
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

/** What one writes by hand around a handler to see as much. */
function byHand(): Bus {
  let handler: OrderHandler;
  const tracer = trace.getTracer('by hand');
  return {
    subscribe: (given) => void (handler = given),
    async publish(order) {
      const attributes = { 'messaging.system': 'memory', 'messaging.message.id': order.eventId };
      const within = (name: string, call: () => Promise<void>, kind = SpanKind.INTERNAL): Promise<void> =>
        tracer.startActiveSpan(name, { kind, attributes }, async (span) => {
          try {
            await call();
          } finally {
            span.end();
          }
        });
      const handle = (): Promise<void> => within('handle', () => handler(order, CONTEXT));
      await within('publish', () => within('dispatch', handle), SpanKind.PRODUCER);
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
  'telemetry: off': enter(() => buschart(OFF), 1),
  'telemetry: none': enter(buschart, 1),
  'telemetry: metrics': after(registerMetrics, enter(buschart, 1)),
  'telemetry: traces': after(registerTraces, enter(buschart, 1)),
  'telemetry: by hand': after(registerTraces, enter(byHand, 1)),
  'redis consume: buschart, telemetry off': consuming(20_000)(redisBus(OFF)),
  'redis consume: buschart, traced': after(registerAll, consuming(20_000)(redisBus())),
};
