import { context, createTraceState, propagation, trace, TraceFlags } from '@opentelemetry/api';
import { describe, expect, it } from 'vitest';
import { NonRetryableError } from '../../../src/errors.ts';
import { MemoryBroker } from '../../../src/transports/memory/index.ts';
import { memoryBus, ping, Pinged } from '../../support/memory-bus.ts';
import { recordTraces } from '../../support/recorded-telemetry.ts';
import { scriptedBus } from '../../support/scripted-broker.ts';

const TRACE = '0af7651916cd43dd8448eb211c80319c';

/** Calls it where a request has come in with a trace, a vendor's own state of it, and baggage. */
function inRequest<T>(call: () => T): T {
  const request = trace.setSpanContext(context.active(), {
    traceId: TRACE,
    spanId: 'b7ad6b7169203331',
    traceFlags: TraceFlags.SAMPLED,
    traceState: createTraceState('vendor=1,other=2'),
  });
  const baggage = propagation.createBaggage({ tenant: { value: 'acme' } });
  return context.with(propagation.setBaggage(request, baggage), call);
}

describe('what is published within a request', () => {
  it('carries the trace, its vendors’ state and its baggage in the headers of each message', async () => {
    const traces = recordTraces();
    const { bus, broker } = await scriptedBus(() => undefined);
    const { connection } = broker;
    if (connection === undefined) throw new Error('not connected');
    const sent: unknown[] = [];
    const publish = connection.publish.bind(connection);
    connection.publish = (messages) => {
      sent.push(...messages.map(({ headers }) => headers));
      return publish(messages);
    };
    await inRequest(() => bus.publish(ping()));
    await inRequest(() => bus.publish([ping(), ping()]));
    const spans = [traces.named('publish')[0], ...traces.named('create')];
    expect(sent).toEqual(
      spans.map((span) => ({
        traceparent: `00-${TRACE}-${span?.spanId}-01`,
        tracestate: 'vendor=1,other=2',
        baggage: 'tenant=acme',
      })),
    );
  });

  it('is handled with all of them where another bus of the broker takes it', async () => {
    recordTraces();
    const broker = new MemoryBroker();
    const { bus: publisher } = memoryBus({ broker, consumerGroup: 'publisher' });
    const { bus } = memoryBus({ broker, consumerGroup: 'consumer' });
    const seen: unknown[] = [];
    bus.subscribe(Pinged, () => {
      const own = trace.getSpanContext(context.active());
      const tenant = propagation.getActiveBaggage()?.getEntry('tenant')?.value;
      seen.push([own?.traceId, own?.traceState?.serialize(), tenant]);
    });
    await inRequest(() => publisher.publish(ping()));
    await bus.idle();
    await expect.poll(() => seen).toEqual([[TRACE, 'vendor=1,other=2', 'acme']]);
  });
});

describe('what is replayed', () => {
  it('keeps the baggage of its publish, and of the trace that it leaves no vendor’s state', async () => {
    recordTraces();
    const { bus } = memoryBus({ broker: new MemoryBroker() });
    const seen: unknown[] = [];
    bus.subscribe(Pinged, () => {
      const own = trace.getSpanContext(context.active());
      const tenant = propagation.getActiveBaggage()?.getEntry('tenant')?.value;
      seen.push([own?.traceId === TRACE, own?.traceState?.serialize(), tenant]);
      if (seen.length === 1) throw new NonRetryableError('not yet');
    });
    await inRequest(() => bus.publish(ping()));
    await bus.idle();
    const [letter] = await bus.deadLetters.list();
    await bus.deadLetters.replay(letter?.id ?? '');
    await bus.idle();
    expect(seen).toEqual([
      [true, 'vendor=1,other=2', 'acme'],
      [false, undefined, 'acme'],
    ]);
  });

  it('takes along the state and the baggage of whoever replays it', async () => {
    recordTraces();
    const { bus } = memoryBus({ broker: new MemoryBroker() });
    const seen: unknown[] = [];
    bus.subscribe(Pinged, () => {
      const own = trace.getSpanContext(context.active());
      seen.push([own?.traceId, own?.traceState?.serialize()]);
      if (seen.length === 1) throw new NonRetryableError('not yet');
    });
    await bus.publish(ping());
    await bus.idle();
    const [letter] = await bus.deadLetters.list();
    await inRequest(() => bus.deadLetters.replay(letter?.id ?? ''));
    await bus.idle();
    expect(seen[1]).toEqual([TRACE, 'vendor=1,other=2']);
  });
});
