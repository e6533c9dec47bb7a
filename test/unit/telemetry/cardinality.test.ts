import { metrics } from '@opentelemetry/api';
import { describe, expect, it } from 'vitest';
import { BusMetrics } from '../../../src/observability/otel/bus-metrics.ts';
import { Client } from '../../../src/observability/otel/client.ts';
import { EventSourceMetrics } from '../../../src/observability/otel/eventsource-metrics.ts';
import { Instruments } from '../../../src/observability/otel/instruments.ts';
import type { Measures } from '../../../src/observability/otel/measures.ts';
import type { Scope } from '../../../src/observability/otel/scope.ts';
import { createStats } from '../../../src/observability/stats.ts';
import { recordMetrics } from '../../support/recorded-telemetry.ts';

const MANY = 2000;
/** 500 combinations of attributes, and what is told without them. */
const MOST = 501;

const scope: Scope = {
  system: 'kafka',
  destination: 'events.stream',
  group: 'g',
  client: new Client('c', undefined),
  isKnown: () => true,
  failed: (error) => {
    throw error;
  },
};

const sets: Record<string, () => Measures> = {
  ours: () => {
    const readings = {
      stats: createStats(),
      here: () => ({ inFlight: 0, oldestPendingAge: undefined, actors: [] }),
      atBroker: () => Promise.resolve(undefined),
    };
    return new BusMetrics(new Instruments(metrics.getMeter('test')), scope, readings);
  },
  "under eventsource-py's names": () =>
    new EventSourceMetrics(metrics.getMeter('test'), scope, {
      isConnected: () => true,
      lags: () => Promise.resolve([]),
    }),
};

/** Every call that is given an error, a type or a name by the user's program, with one that came never before. */
function tellAll(measures: Measures, n: number): void {
  const error = Object.assign(new Error(), { name: `Error${n}` });
  measures.published(['Pinged'], 0, 1, { error });
  measures.started(`Type${n}`, String(n), 1);
  measures.attempted('Pinged', 'handler', 1, { error });
  measures.attempted(`Type${n}`, `handler${n}`, 1, undefined);
  measures.retried('Pinged', 'handler', error);
  for (const outcome of ['dead-lettered', 'dropped'])
    measures.ended('Pinged', outcome, 1, { reason: 'attempts-exhausted', error });
  measures.noticed(`kind${n}`, 1);
  measures.connectFailed(error);
  measures.connectionLost(error);
}

describe.each(Object.entries(sets))('metrics %s', (_, make) => {
  it(`are a bounded number of series for ${MANY} names of errors, and lose none of what they count`, async () => {
    const { collect } = recordMetrics();
    const measures = make();
    for (let n = 0; n < MANY; n++) tellAll(measures, n);
    const points = await collect();
    measures.stop();
    const tooMany = [...points].filter(([, { length }]) => length > MOST).map(([name]) => name);
    expect(tooMany).toEqual([]);
    const ofErrors = [...points].filter(([, found]) =>
      found.some(({ attributes }) => 'error.type' in attributes),
    );
    for (const [name, found] of ofErrors) {
      const total = found.reduce((sum, { value }) => sum + value, 0);
      // Attempts are told of twice: those that fail, and those of other handlers. So are connections: not made, and lost.
      const isTwice = ['messaging.process.duration', 'kafka.eventbus.connection.errors'].includes(name);
      const expected = isTwice ? 2 * MANY : MANY;
      expect([name, total]).toEqual([name, expected]);
      expect(found.length).toBeGreaterThan(100);
    }
    expect(ofErrors.length).toBeGreaterThanOrEqual(4);
  });
});
