import { context, createTraceState, propagation, trace, TraceFlags } from '@opentelemetry/api';
import { describe, expect, it, onTestFinished } from 'vitest';
import { Counted, conformanceRegistry } from '../../src/testing/counted.ts';
import { silent } from '../../src/testing/silent-logger.ts';
import { busAt } from '../support/bus-places.ts';
import { foretell } from '../support/fate.ts';
import { recordTraces } from '../support/recorded-telemetry.ts';
import { realBrokers } from '../support/real-brokers.ts';
import type { SpanFacts } from '../support/telemetry-sdk.ts';
import { startWorker } from '../support/worker.ts';

const aText: unknown = expect.any(String);
const aNumber: unknown = expect.any(Number);
const SERVER = { 'messaging.client.id': aText, 'server.address': aText, 'server.port': aNumber };
const ROUTED = { 'messaging.rabbitmq.destination.routing_key': 'Conformance.ConformanceCounted' };
const KEYED = { 'messaging.kafka.message.key': aText };

/** What each broker's own spans say. */
const PUBLISHED: Readonly<Record<string, object>> = { rabbitmq: ROUTED, kafka: KEYED };
const DELIVERED: Readonly<Record<string, object>> = {
  rabbitmq: { ...ROUTED, 'messaging.rabbitmq.message.delivery_tag': aNumber },
  kafka: { ...KEYED, 'messaging.kafka.offset': aNumber },
};

describe.each(realBrokers)('traces across two processes on %s', (broker, url, harnessAt) => {
  it.skipIf(url === undefined)('go on through retries, and are linked after a dead letter', async () => {
    const harness = harnessAt(url ?? '');
    await harness.start?.();
    const destination = harness.destination('traces');
    const place = { broker, url: url ?? '', destination: destination.name };
    const traces = recordTraces();
    const consumerGroup = destination.group;
    const bus = await busAt(place, { consumerGroup, registry: conformanceRegistry, logger: silent });
    const there: SpanFacts[] = [];
    const worker = await startWorker(
      { place, consumerGroup, consumerName: 'traced', isTraced: true },
      (line) => {
        if (line.kind === 'span') there.push(line.span);
      },
    );
    onTestFinished(async () => {
      await bus.shutdown();
      await worker.stop();
      await harness.cleanUp(destination);
      await harness.stop?.();
    });
    const thereNamed = (name: string) => there.filter((span) => span.name === name);
    const dispatchOf = (id: string) =>
      thereNamed('dispatch').filter(({ attributes }) => attributes['eventsource.event.id'] === id);

    const fates = ['ok', 'flaky', 'poison'] as const;
    const events = fates.map((fate, n) => Counted({ aggregateId: fate, n, text: foretell({ fate, ms: 0 }) }));
    await bus.publish(events);
    await expect.poll(() => thereNamed('dispatch').length, { timeout: 15_000 }).toBe(3);

    const [publish] = traces.named('publish');
    const created = traces.named('create');
    expect(created.map(({ parent }) => parent)).toEqual(fates.map(() => publish?.spanId));
    for (const [at, { eventId }] of events.entries()) {
      const [dispatch] = dispatchOf(eventId);
      expect(dispatch).toMatchObject({ traceId: publish?.traceId, parent: created[at]?.spanId });
      expect(dispatch?.attributes).toMatchObject({
        'messaging.system': broker,
        'messaging.consumer.group.name': consumerGroup,
        'eventsource.handler.count': 1,
        'buschart.outcome': at === 2 ? 'dead-lettered' : 'acked',
        ...DELIVERED[broker],
      });
      expect(created[at]?.attributes).toMatchObject(PUBLISHED[broker] ?? {});
      expect(created[at]?.attributes).toMatchObject(SERVER);
      expect(dispatch?.attributes).toMatchObject(SERVER);
      const handles = thereNamed('handle').filter(({ parent }) => parent === dispatch?.spanId);
      expect(handles.map(({ isFailed }) => isFailed)).toEqual([at === 2]);
      const retries = handles[0]?.events.filter(({ name }) => name === 'retry');
      expect(retries).toHaveLength([0, 1, 3][at] ?? NaN);
    }

    const [letter] = await bus.deadLetters.list();
    expect(await bus.deadLetters.replay(letter?.id ?? '')).toBe(true);
    const poison = events[2]?.eventId ?? '';
    await expect.poll(() => dispatchOf(poison).length, { timeout: 15_000 }).toBe(2);
    const replay = traces.named('publish')[1];
    expect(replay?.links).toEqual([created[2]?.spanId]);
    expect(replay?.attributes).toMatchObject({
      ...SERVER,
      'messaging.message.id': poison,
      'eventsource.event.type': 'ConformanceCounted',
      'eventsource.aggregate.id': 'poison',
    });
    expect(replay?.traceId).not.toBe(publish?.traceId);
    expect(dispatchOf(poison)[1]).toMatchObject({
      traceId: replay?.traceId,
      parent: replay?.spanId,
      links: [created[2]?.spanId],
      isFailed: false,
    });
  });

  it.skipIf(url === undefined)(
    "carry a vendor's state of the trace, and its baggage, to the handler",
    async () => {
      const harness = harnessAt(url ?? '');
      await harness.start?.();
      const destination = harness.destination('baggage');
      const place = { broker, url: url ?? '', destination: destination.name };
      recordTraces();
      const options = { registry: conformanceRegistry, logger: silent };
      const publisher = await busAt(place, options);
      const consumer = await busAt(place, { ...options, consumerGroup: destination.group });
      onTestFinished(async () => {
        await Promise.all([publisher.shutdown(), consumer.shutdown()]);
        await harness.cleanUp(destination);
        await harness.stop?.();
      });
      const seen: unknown[] = [];
      consumer.subscribe(Counted, ({ n }) => {
        const own = trace.getSpanContext(context.active());
        const tenant = propagation.getActiveBaggage()?.getEntry('tenant')?.value;
        seen[n] = [own?.traceId, own?.traceState?.serialize(), tenant];
      });
      await consumer.startConsumingInBackground();

      const traceId = '0af7651916cd43dd8448eb211c80319c';
      const spanContext = { traceId, spanId: 'b7ad6b7169203331', traceFlags: TraceFlags.SAMPLED };
      const traceState = createTraceState('vendor=1,other=2');
      const request = trace.setSpanContext(context.active(), { ...spanContext, traceState });
      const baggage = propagation.createBaggage({ tenant: { value: 'a, c; me=é' } });
      await context.with(propagation.setBaggage(request, baggage), async () => {
        await publisher.publish(Counted({ aggregateId: 'alone', n: 0, text: '' }));
        await publisher.publish([1, 2].map((n) => Counted({ aggregateId: 'of a list', n, text: '' })));
      });
      const expected = [traceId, 'vendor=1,other=2', 'a, c; me=é'];
      await expect.poll(() => seen, { timeout: 15_000 }).toEqual([expected, expected, expected]);
    },
  );
});
