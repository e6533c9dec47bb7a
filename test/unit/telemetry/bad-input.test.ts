import { inspect } from 'node:util';
import {
  context,
  metrics,
  propagation,
  ROOT_CONTEXT,
  trace,
  type Meter,
  type Tracer,
} from '@opentelemetry/api';
import pino from 'pino';
import { describe, expect, it, onTestFinished } from 'vitest';
import { memoryBus, ping, Pinged, settle } from '../../support/memory-bus.ts';
import { forget, recordTraces } from '../../support/recorded-telemetry.ts';
import { scriptedBus } from '../../support/scripted-broker.ts';
import { defineEvent } from '../../../src/events/define-event.ts';
import { EventRegistry } from '../../../src/events/registry.ts';
import { InMemoryEventBus } from '../../../src/transports/memory/index.ts';
import { z } from 'zod';

const boom = (): never => {
  throw new Error('boom');
};

describe('headers that carry no trace', () => {
  it.each([
    'garbage',
    '',
    '00-00000000000000000000000000000000-b7ad6b7169203331-01',
    '00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01',
    'ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
    '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-more',
  ])('are passed over, and the event is handled in a trace of its own: %j', async (traceparent) => {
    const traces = recordTraces();
    const seen: number[] = [];
    const { broker, clock } = await scriptedBus((bus) => bus.subscribe(Pinged, ({ n }) => seen.push(n)));
    const headers = { traceparent, tracestate: '=,=', baggage: '%%%', 'x-original-traceparent': traceparent };
    broker.deliver(ping(4), headers);
    await settle(clock);
    expect(seen).toEqual([4]);
    expect(broker.asked).toEqual(['ack 1']);
    expect(traces.named('dispatch')[0]).toMatchObject({ parent: undefined, links: [] });
  });

  it('of a later version are read as far as they are alike, as W3C asks for', async () => {
    const traces = recordTraces();
    const { broker, clock } = await scriptedBus((bus) => bus.subscribe(Pinged, () => undefined));
    broker.deliver(ping(), { traceparent: '01-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-more' });
    await settle(clock);
    expect(traces.named('dispatch')[0]?.parent).toBe('b7ad6b7169203331');
  });
});

describe('an SDK that throws', () => {
  const span = new Proxy({}, { get: () => boom });
  const broken: Record<string, () => void> = {
    'at every span': () =>
      void trace.setGlobalTracerProvider({ getTracer: () => ({ startSpan: boom }) as unknown as Tracer }),
    'in every method of its spans': () =>
      void trace.setGlobalTracerProvider({
        getTracer: () => ({ startSpan: () => span }) as unknown as Tracer,
      }),
    'when asked for a tracer': () => void trace.setGlobalTracerProvider({ getTracer: boom }),
    'when asked for a meter': () => void metrics.setGlobalMeterProvider({ getMeter: boom }),
    'at every instrument': () =>
      void metrics.setGlobalMeterProvider({ getMeter: () => new Proxy({}, { get: () => boom }) as Meter }),
    'in its propagator and its context manager': () => {
      recordTraces();
      propagation.disable();
      propagation.setGlobalPropagator({ inject: boom, extract: boom, fields: () => [] });
      context.disable();
      context.setGlobalContextManager({
        active: () => ROOT_CONTEXT,
        with: boom,
        bind: boom,
        enable: boom,
        disable: (): never => undefined as never,
      });
    },
  };

  it.each(Object.entries(broken))(
    '%s touches no publish and no delivery, and is told once',
    async (_, register) => {
      onTestFinished(forget);
      register();
      const seen: number[] = [];
      const { bus, logger } = memoryBus();
      bus.subscribe(Pinged, ({ n }) => seen.push(n));
      await bus.publish([ping(1), ping(2)]);
      const rig = await scriptedBus((made) => made.subscribe(Pinged, ({ n }) => seen.push(n)));
      await rig.bus.publish(ping());
      rig.broker.deliver(ping(3), { traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01' });
      await settle(rig.clock);
      expect(seen).toEqual([1, 2, 3]);
      expect(rig.broker.asked).toContain('ack 1');
      expect(
        [...logger.at('warn'), ...rig.logger.at('warn')].filter((line) => line.includes('threw')),
      ).toHaveLength(2);
    },
  );
});

describe('pino', () => {
  it('gets fields and a sentence, and neither payloads nor metadata', async () => {
    const lines: string[] = [];
    const logger = pino({ level: 'debug' }, { write: (line: string) => void lines.push(line) });
    const registry = new EventRegistry();
    const Paid = defineEvent({
      type: 'Paid',
      aggregateType: 'Order',
      registry,
      schema: z.object({ card: z.string() }),
    });
    const bus = new InMemoryEventBus({ registry, logger, maxRetries: 1, retry: { baseDelayMs: 1 } });
    bus.subscribe(Paid, () => {
      throw new TypeError('the till is closed');
    });
    await bus.publish(Paid({ aggregateId: 'o', card: 'hush-hush', metadata: { token: 'hush-hush' } }));
    await bus.shutdown();
    const parsed = lines.map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(parsed.map(({ level }) => level)).toEqual([30, 30, 40]);
    expect(parsed.at(-1)).toMatchObject({
      msg: 'A delivery failed for good and is a dead letter now.',
      eventType: 'Paid',
      reason: 'attempts-exhausted',
      attempts: 2,
      err: { type: 'TypeError', message: 'the till is closed' },
    });
    expect(lines.join('')).not.toContain('hush-hush');
  });

  it.each<[string, RegExp, (body: string) => string]>([
    ['is no JSON', /the body is not JSON: somewhere in \d+ characters/, () => 'hush-hush'],
    [
      'ends too early',
      /the body is not JSON: its end in/,
      (body) => body.slice(0, body.lastIndexOf(':') + 1),
    ],
    [
      'lacks a comma',
      /the body is not JSON: position \d+ in/,
      (body) => body.replace('{}', '{} "hush-hush"'),
    ],
    ['has a word without quotes', /not JSON/, (body) => body.replace('{}', 'hush-hush')],
    [
      'has a list of metadata',
      /metadata must be an object, not a list/,
      (body) => body.replace('{}', '[{"token":"hush-hush"}]'),
    ],
    [
      'has text for metadata',
      /metadata must be an object, not a string/,
      (body) => body.replace('{}', '"hush-hush"'),
    ],
    [
      'has an object for an id',
      /aggregate_id must be a non-empty string, not an object/,
      (body) => body.replace('"ball"', '{"name":"hush-hush"}'),
    ],
    [
      'has a list for a time',
      /occurred_at must be an ISO 8601 time, not a list/,
      (body) => body.replace(/("occurred_at":)"[^"]*"/, '$1["hush-hush"]'),
    ],
    ['is refused by its schema', /n: /, (body) => body.replace('"n":3', '"n":"hush-hush"')],
  ])('and the dead letter too: a body that %s is named by kind and place', async (_, reason, spoil) => {
    const lines: string[] = [];
    const errors: unknown[] = [];
    const stream = { write: (line: string) => void lines.push(line) };
    const serializers = {
      err: (error: Error) => (errors.push(error), pino.stdSerializers.errWithCause(error)),
    };
    const logger = pino({ level: 'debug', serializers }, stream);
    const { broker, clock } = await scriptedBus((bus) => bus.subscribe(Pinged, () => undefined), { logger });
    const message = broker.encode(ping(3));
    broker.deliverMessage({ ...message, body: spoil(String(message.body)) });
    await settle(clock);
    expect(broker.asked[0]).toBe('dead-letter 1');
    const told = (JSON.parse(lines.at(-1)!) as { readonly err: { readonly message: string } }).err.message;
    expect(told).toMatch(reason);
    expect(broker.stored['x-exception-message']).toMatch(reason);
    const all = [...lines, ...Object.values(broker.stored), inspect(errors, { depth: 10 })];
    expect(all.join()).not.toContain('hush-hush');
    expect(errors).toHaveLength(1);
  });
});
