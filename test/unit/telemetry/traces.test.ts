import { context, propagation, SpanKind, trace } from '@opentelemetry/api';
import { describe, expect, it } from 'vitest';
import { NonRetryableError } from '../../../src/errors.ts';
import { MemoryBroker } from '../../../src/transports/memory/index.ts';
import { memoryBus, ping, Pinged, pong, Ponged, settle } from '../../support/memory-bus.ts';
import { recordTraces } from '../../support/recorded-telemetry.ts';
import { scriptedBus } from '../../support/scripted-broker.ts';

describe('spans in memory', () => {
  it('are publish, in it dispatch, in it one handle for each handler, with the attributes of the guide', async () => {
    const traces = recordTraces();
    const { bus } = memoryBus();
    bus.subscribe(Pinged, () => undefined, { name: 'one' });
    bus.subscribe(Pinged, async () => undefined, { name: 'two' });
    const event = ping();
    await bus.publish(event);

    const [publish] = traces.named('publish');
    const [dispatch] = traces.named('dispatch');
    const handles = traces.named('handle');
    expect(traces.spans).toHaveLength(4);
    expect(publish).toMatchObject({
      kind: SpanKind.PRODUCER,
      parent: undefined,
      attributes: {
        'messaging.system': 'memory',
        'messaging.destination.name': 'memory',
        'messaging.operation.name': 'publish',
        'messaging.operation.type': 'send',
        'messaging.message.id': event.eventId,
        'eventsource.event.count': 1,
        'eventsource.event.type': 'Pinged',
        'eventsource.event.id': event.eventId,
        'eventsource.aggregate.id': 'ball',
      },
    });
    expect(dispatch).toMatchObject({
      parent: publish?.spanId,
      attributes: {
        'messaging.operation.type': 'process',
        'messaging.consumer.group.name': 'default',
        'eventsource.event.type': 'Pinged',
        'eventsource.event.id': event.eventId,
        'eventsource.aggregate.id': 'ball',
        'eventsource.aggregate.type': 'Ball',
        'eventsource.handler.count': 2,
        'buschart.outcome': 'acked',
      },
    });
    expect(handles.map(({ parent }) => parent)).toEqual([dispatch?.spanId, dispatch?.spanId]);
    expect(handles.map(({ attributes }) => attributes)).toMatchObject([
      { 'eventsource.handler.name': 'one', 'eventsource.handler.success': true },
      { 'eventsource.handler.name': 'two', 'eventsource.handler.success': true },
    ]);
  });

  it('belong to the trace of whoever publishes, and what a handler does or publishes belongs to its own', async () => {
    const traces = recordTraces();
    const { bus } = memoryBus();
    bus.subscribe(Pinged, async (_event, ctx) => {
      await Promise.resolve();
      trace.getTracer('user').startSpan('query').end();
      await ctx.publish(pong());
    });
    bus.subscribe(Ponged, () => undefined, { name: 'pong' });
    const request = trace.getTracer('user').startSpan('request');
    await context.with(trace.setSpan(context.active(), request), () => bus.publish(ping()));
    await bus.idle();
    request.end();

    const [first, second] = traces.named('publish');
    const byEvent = Object.fromEntries(
      traces.named('handle').map((span) => [span.attributes['eventsource.event.type'], span]),
    );
    const { traceId, spanId } = request.spanContext();
    const handled = byEvent['Pinged']?.spanId;
    expect(traces.named('query')[0]?.parent).toBe(handled);
    expect(new Set([first?.parent, second?.parent])).toEqual(new Set([spanId, handled]));
    expect(new Set(traces.spans.map((span) => span.traceId))).toEqual(new Set([traceId]));
  });

  it('give each event of a list a context of its own', async () => {
    const traces = recordTraces();
    const { bus } = memoryBus();
    bus.subscribe(Pinged, () => undefined);
    await bus.publish([ping(1), ping(2)]);
    const [publish] = traces.named('publish');
    const created = traces.named('create');
    expect(publish?.attributes).toMatchObject({ 'messaging.batch.message_count': 2 });
    expect(publish?.attributes).not.toHaveProperty('eventsource.event.id');
    expect(created.map(({ parent }) => parent)).toEqual([publish?.spanId, publish?.spanId]);
    expect(traces.named('dispatch').map(({ parent }) => parent)).toEqual(created.map(({ spanId }) => spanId));
  });

  it('are not made with enableTracing: false, and none are without an SDK', async () => {
    const { bus: early } = memoryBus();
    early.subscribe(Pinged, () => undefined);
    await early.publish(ping());
    const traces = recordTraces();
    const { bus } = memoryBus({ enableTracing: false });
    bus.subscribe(Pinged, () => undefined);
    await bus.publish([ping(), ping()]);
    expect(traces.spans).toEqual([]);
    // The bus was made before the SDK was registered.
    await early.publish(ping());
    expect(traces.spans).toHaveLength(3);
  });
});

describe('a handler that fails', () => {
  it('has one span, with its retries as events in it', async () => {
    const traces = recordTraces();
    const { bus, clock } = memoryBus({ maxRetries: 2, retry: { baseDelayMs: 1000, jitter: 0 } });
    let runs = 0;
    bus.subscribe(
      Pinged,
      () => {
        trace.getTracer('user').startSpan('query').end();
        if (++runs < 3) throw new TypeError('flaky');
      },
      { name: 'flaky' },
    );
    const published = bus.publish(ping());
    await clock.advance(5000);
    await published;

    const [handle] = traces.named('handle');
    expect(traces.named('handle')).toHaveLength(1);
    expect(handle?.isFailed).toBe(false);
    expect(handle?.events.map(({ name }) => name)).toEqual(['exception', 'retry', 'exception', 'retry']);
    expect(handle?.events[1]?.attributes).toEqual({
      'buschart.attempt': 2,
      'buschart.retry.delay_ms': 1000,
      'error.type': 'TypeError',
    });
    expect(traces.named('query').map(({ parent }) => parent)).toEqual([
      handle?.spanId,
      handle?.spanId,
      handle?.spanId,
    ]);
  });

  it('ends as failed when it is a dead letter, and a replay is a trace of its own with a link to the first', async () => {
    const traces = recordTraces();
    const { bus } = memoryBus({ broker: new MemoryBroker() });
    let isBroken = true;
    bus.subscribe(
      Pinged,
      () => {
        if (isBroken) throw new NonRetryableError('never');
      },
      { name: 'strict' },
    );
    await bus.publish(ping());
    await bus.idle();
    const [first] = traces.named('dispatch');
    const [handle] = traces.named('handle');
    const [publish] = traces.named('publish');
    expect(handle).toMatchObject({
      isFailed: true,
      attributes: { 'eventsource.handler.success': false, 'error.type': 'NonRetryableError' },
    });
    expect(first).toMatchObject({
      isFailed: true,
      parent: publish?.spanId,
      attributes: { 'buschart.outcome': 'dead-lettered', 'error.type': 'not-retryable' },
    });
    expect(first?.events).toEqual([
      { name: 'dead-letter', attributes: { 'buschart.dead_letter.reason': 'not-retryable' } },
    ]);

    isBroken = false;
    const [letter] = await bus.deadLetters.list();
    expect(letter?.headers['traceparent']).toContain(publish?.spanId);
    await bus.deadLetters.replay(letter?.id ?? '');
    await bus.idle();
    const replay = traces.named('publish')[1];
    const again = traces.named('dispatch')[1];
    expect(replay).toMatchObject({
      links: [publish?.spanId],
      attributes: { 'messaging.operation.name': 'replay' },
    });
    expect(replay?.traceId).not.toBe(publish?.traceId);
    expect(again).toMatchObject({ parent: replay?.spanId, links: [publish?.spanId], isFailed: false });
  });

  it('is followed on the in-memory bus without lanes, too: replayed to its handlers alone', async () => {
    const traces = recordTraces();
    const { bus } = memoryBus();
    let isBroken = true;
    bus.subscribe(Pinged, () => {
      if (isBroken) throw new NonRetryableError('never');
    });
    await bus.publish(ping());
    await bus.idle();
    isBroken = false;
    const [letter] = await bus.deadLetters.list();
    await bus.deadLetters.replay(letter?.id ?? '');
    await bus.idle();
    expect(traces.named('dispatch').map(({ isFailed }) => isFailed)).toEqual([true, false]);
  });
});

describe('what a broker delivers', () => {
  const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
  const publishSpan = 'b7ad6b7169203331';

  it('goes on in the trace of its publish, with its baggage', async () => {
    const traces = recordTraces();
    const seen: unknown[] = [];
    const { broker, clock } = await scriptedBus((bus) =>
      bus.subscribe(Pinged, () => {
        seen.push(propagation.getActiveBaggage()?.getEntry('tenant')?.value);
      }),
    );
    broker.deliver(ping(), { traceparent, tracestate: 'vendor=1', baggage: 'tenant=acme' });
    await settle(clock);
    const [dispatch] = traces.named('dispatch');
    expect(dispatch).toMatchObject({
      kind: SpanKind.CONSUMER,
      traceId: traceparent.slice(3, 35),
      parent: publishSpan,
      attributes: {
        'messaging.system': 'scripted',
        'messaging.destination.name': 'scripted',
        'messaging.consumer.group.name': 'g',
        'buschart.delivery.position': '1',
      },
    });
    expect(seen).toEqual(['acme']);
  });

  it("has a trace of its own, linked to its publish, with relation 'link'", async () => {
    const traces = recordTraces();
    const { broker, clock } = await scriptedBus((bus) => bus.subscribe(Pinged, () => undefined), {
      tracing: { relation: 'link' },
    });
    broker.deliver(ping(), { traceparent });
    await settle(clock);
    const [dispatch] = traces.named('dispatch');
    expect(dispatch).toMatchObject({ parent: undefined, links: [publishSpan] });
    expect(dispatch?.traceId).not.toBe(traceparent.slice(3, 35));
    expect(traces.named('handle')[0]?.traceId).toBe(dispatch?.traceId);
  });

  it('carries what was published under it, each event its own, and nothing without an SDK', async () => {
    const { bus, broker, clock } = await scriptedBus(() => undefined);
    const sent: (string | undefined)[] = [];
    const { connection } = broker;
    if (connection === undefined) throw new Error('not connected');
    const publish = connection.publish.bind(connection);
    connection.publish = (messages) => {
      for (const { headers } of messages) sent.push(headers['traceparent']);
      return publish(messages);
    };
    await bus.publish([ping(), ping()]);
    expect(sent.splice(0)).toEqual([undefined, undefined]);
    const traces = recordTraces();
    await bus.publish([ping(), ping()]);
    await settle(clock);
    const expected = traces.named('create').map(({ traceId, spanId }) => `00-${traceId}-${spanId}-01`);
    expect(sent).toEqual(expected);
    expect(new Set(sent).size).toBe(2);
  });

  it('ends the span of a handler whose next attempt waits at the broker, and the next one continues the trace', async () => {
    const traces = recordTraces();
    const { broker, clock } = await scriptedBus(
      (bus) =>
        bus.subscribe(Pinged, (_event, { attempt }) => {
          if (attempt === 1) throw new Error('later');
        }),
      { defersRetries: true },
    );
    broker.deliver(ping(), { traceparent });
    await settle(clock);
    expect(broker.stored['traceparent']).toBe(traceparent);
    broker.deliver(ping(), broker.stored);
    await settle(clock);
    const [first, second] = traces.named('handle');
    expect(first?.events.map(({ name }) => name)).toEqual(['exception', 'retry']);
    expect(second?.attributes).toMatchObject({ 'buschart.attempt': 2, 'eventsource.handler.success': true });
    expect(traces.named('dispatch').map(({ parent }) => parent)).toEqual([publishSpan, publishSpan]);
  });

  it('has a failed span when its body is no event', async () => {
    const traces = recordTraces();
    const { broker, clock } = await scriptedBus((bus) => bus.subscribe(Pinged, () => undefined));
    const delivery = broker.deliver(ping(), { traceparent });
    Object.assign(delivery, { message: { ...delivery.message, body: '{"n":"not a number"}' } });
    await settle(clock);
    expect(traces.named('dispatch')[0]).toMatchObject({
      isFailed: true,
      parent: publishSpan,
      attributes: { 'error.type': 'decode-failed', 'eventsource.handler.count': 0 },
    });
  });
});
