import type { Meter } from '@opentelemetry/api';
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { machines } from '../../../src/cli/machines.ts';
import { Client } from '../../../src/observability/otel/client.ts';
import { EventSourceMetrics } from '../../../src/observability/otel/eventsource-metrics.ts';
import { Instruments } from '../../../src/observability/otel/instruments.ts';
import { kafkaesqueBus } from '../../support/kafkaesque-bus.ts';
import { gate, memoryBus, ping, Pinged, settle } from '../../support/memory-bus.ts';
import { recordMetrics } from '../../support/recorded-telemetry.ts';

const page = (name: string) => readFileSync(resolve(import.meta.dirname, '../../../docs', name), 'utf8');

/** The cells of each row of the page's tables. */
const rowsOf = (text: string): string[][] =>
  text
    .split('\n')
    .filter((line) => line.startsWith('|'))
    .map((line) =>
      line
        .split('|')
        .slice(1, -1)
        .map((cell) => cell.trim()),
    );

const quoted = (cell = ''): string[] => [...cell.matchAll(/`([^`]+)`/g)].map(([, word = '']) => word);

interface Made {
  readonly name: string;
  readonly kind: string;
  readonly unit: string;
}

/** Every instrument that the package makes, whether something is recorded by it or not. */
function madeInstruments(): Made[] {
  const made: Made[] = [];
  const maker = (kind: string) => (name: string, options?: { readonly unit?: string }) => {
    made.push({ name, kind, unit: options?.unit ?? '' });
    return {};
  };
  const meter: Meter = {
    createCounter: maker('counter'),
    createUpDownCounter: maker('up-down counter'),
    createHistogram: maker('histogram'),
    createGauge: maker('gauge'),
    createObservableGauge: maker('gauge'),
    createObservableCounter: maker('counter'),
    createObservableUpDownCounter: maker('up-down counter'),
    addBatchObservableCallback: () => undefined,
    removeBatchObservableCallback: () => undefined,
  } as never;
  new Instruments(meter);
  const scope = {
    system: 'kafka',
    destination: 'd',
    group: 'g',
    client: new Client('c', undefined),
    isKnown: () => true,
    failed: () => undefined,
  };
  new EventSourceMetrics(meter, scope, { isConnected: () => true, lags: () => Promise.resolve([]) });
  return made;
}

const byName = (one: Made, other: Made): number => one.name.localeCompare(other.name);

describe('docs/metrics.md', () => {
  it('has every instrument with its kind and unit, and no other', () => {
    const written = rowsOf(page('metrics.md')).flatMap(([name, kind = '', unit = '']) => {
      const [metric] = quoted(name);
      return metric?.includes('.') === true ? [{ name: metric, kind, unit: unit.replaceAll('`', '') }] : [];
    });
    expect(written.toSorted(byName)).toEqual(madeInstruments().toSorted(byName));
  });
});

describe('each instrument', () => {
  it('has a value that is not zero when what it measures has happened', async () => {
    const { collect } = recordMetrics();
    const { bus, broker, clock } = kafkaesqueBus({ maxRetries: 1 });
    const running = gate();
    bus.subscribe(Pinged, ({ n }) => {
      if (n === 1) throw new TypeError('always');
      return n === 2 ? running.promise : undefined;
    });
    await bus.startConsumingInBackground();
    await bus.publish([ping(), ping()]);
    broker.publishFailure = new Error('no');
    const refused = bus.publish(ping()).catch((error: unknown) => error);
    broker.connectFailure = new Error('down');
    broker.lose();
    await clock.advance(100);
    broker.connectFailure = undefined;
    for (const kind of ['rebalanced', 'committed', 'leases-renewed', 'trimmed'] as const)
      broker.notice?.({ kind, count: 1, detail: '', isRepeated: true });
    // Nothing comes although there is lag: it stalls.
    broker.lag = () => Promise.resolve(5);
    await clock.advance(120_000);
    await refused;
    broker.info = { pendingMessages: 3, dlqMessages: 2 };
    Object.assign(broker.deliver(ping(1)), { partition: '3' });
    broker.deliver(Pinged({ aggregateId: 'slow', n: 2, occurredAt: new Date(clock.now() - 1000) }));
    await clock.advance(10_000);
    const { bus: without } = memoryBus({ enableDlq: false, maxRetries: 0 });
    without.subscribe(Pinged, () => {
      throw new Error('always');
    });
    await without.publish(ping());
    await settle(clock);

    const points = await collect();
    const driven = [...points]
      .filter(([, found]) => found.some(({ value, sum = value }) => value > 0 && sum > 0))
      .map(([name]) => name);
    const made = madeInstruments().map(({ name }) => name);
    expect(driven.toSorted()).toEqual(made.toSorted());
    running.open();
  });
});

interface StateNode {
  readonly key: string;
  readonly states: Readonly<Record<string, StateNode>>;
}

/** As `buschart.actors` tells them: states within states by their path, and those of the lifecycle without its name. */
function statesOf({ root }: { readonly root: unknown }): string[] {
  const leaves = ({ states }: StateNode): string[] =>
    Object.values(states).flatMap((state) => {
      const within = leaves(state);
      return within.length === 0 ? [state.key] : within.map((path) => `${state.key}.${path}`);
    });
  const node = root as StateNode;
  return leaves(node).map((path) => path.replace(/^lifecycle\./, ''));
}

describe('docs/operations.md', () => {
  it('says of every state that buschart.actors tells what it means and what to do, and of no other', () => {
    const rows = rowsOf(page('operations.md'));
    for (const machine of machines.values()) {
      const own = rows.filter(([first]) => quoted(first)[0] === machine.id);
      for (const [, , meaning, action] of own) expect([meaning, action]).not.toContain('');
      const written = own.flatMap(([, states]) => quoted(states));
      expect([machine.id, written.toSorted()]).toEqual([machine.id, statesOf(machine).toSorted()]);
    }
  });

  it('says what to do about every metric of ours and of the conventions', () => {
    const written = new Set(rowsOf(page('operations.md')).flatMap(([when]) => quoted(when)));
    const missing = madeInstruments()
      .map(({ name }) => name)
      .filter((name) => !name.startsWith('kafka.') && !written.has(name));
    expect(missing).toEqual([]);
  });

  it('has every condition that healthCheck() tells beside the state', () => {
    const conditions = rowsOf(page('operations.md')).map(([first]) => first);
    for (const condition of ['blocked', 'stalled', 'refused', 'degraded', 'paused'])
      expect(conditions).toContain(condition);
  });
});
