import { context, metrics, propagation, trace, type Attributes } from '@opentelemetry/api';
import {
  AggregationTemporality,
  DataPointType,
  InMemoryMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
} from '@opentelemetry/sdk-metrics';
import { InMemorySpanExporter } from '@opentelemetry/sdk-trace-base';
import { onTestFinished } from 'vitest';
import { factsOf, registerTracer, type SpanFacts } from './telemetry-sdk.ts';

/** Registers the real SDK for one test, with exporters that keep what they get. */
export function recordTraces() {
  const exporter = new InMemorySpanExporter();
  registerTracer(exporter);
  onTestFinished(forget);
  return {
    get spans(): SpanFacts[] {
      return exporter.getFinishedSpans().map(factsOf);
    },
    /** Those of one name, without the prefix they share. */
    named: (name: string): SpanFacts[] =>
      exporter
        .getFinishedSpans()
        .map(factsOf)
        .filter((span) => span.name === name),
  };
}

/** No SDK is registered from here on. */
export function forget(): void {
  trace.disable();
  context.disable();
  propagation.disable();
  metrics.disable();
}

export interface Point {
  readonly attributes: Attributes;
  /** Of a histogram: how often something was recorded. */
  readonly value: number;
  /** Of a histogram. */
  readonly sum: number | undefined;
}

/** Registers a meter for one test. `collect` gives all points by the name of their metric. */
export function recordMetrics() {
  const exporter = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE);
  const reader = new PeriodicExportingMetricReader({ exporter, exportIntervalMillis: 3_600_000 });
  const provider = new MeterProvider({ readers: [reader] });
  metrics.setGlobalMeterProvider(provider);
  onTestFinished(async () => {
    forget();
    await provider.shutdown();
  });
  return {
    async collect(): Promise<ReadonlyMap<string, readonly Point[]>> {
      exporter.reset();
      await reader.forceFlush();
      const points = new Map<string, Point[]>();
      for (const { scopeMetrics } of exporter.getMetrics())
        for (const { metrics: found } of scopeMetrics)
          for (const metric of found)
            points.set(
              metric.descriptor.name,
              metric.dataPoints.map(({ attributes, value }) =>
                metric.dataPointType === DataPointType.HISTOGRAM
                  ? {
                      attributes,
                      value: (value as { count: number }).count,
                      sum: (value as { sum?: number }).sum,
                    }
                  : { attributes, value: value as number, sum: undefined },
              ),
            );
      return points;
    },
    /** Of the last collection: unit, description and boundaries. */
    descriptors: () =>
      exporter
        .getMetrics()
        .flatMap(({ scopeMetrics }) => scopeMetrics)
        .flatMap(({ metrics: found }) => found.map(({ descriptor }) => descriptor)),
  };
}
