import { expect, it, vi } from 'vitest';
import type { Transport } from '../../../src/contracts/transport.ts';
import { ping, Pinged, settle } from '../../support/memory-bus.ts';
import { recordMetrics, recordTraces } from '../../support/recorded-telemetry.ts';
import { idleBus, ScriptedBroker } from '../../support/scripted-broker.ts';

/** A bus that consumes, at a broker that says so of itself. */
async function busAt(own: Partial<Transport>) {
  const broker = new ScriptedBroker();
  vi.spyOn(broker, 'transport', 'get').mockReturnValue({ ...broker.transport, ...own });
  const { bus, clock } = idleBus({ consumerName: 'here' }, broker);
  bus.subscribe(Pinged, () => undefined);
  await bus.startConsumingInBackground();
  await settle(clock);
  return { bus, broker, clock };
}

it.each([
  ['mq.example:5672', { 'server.address': 'mq.example', 'server.port': 5672 }],
  ['[::1]:7001', { 'server.address': '::1', 'server.port': 7001 }],
  ['/run/redis.sock', { 'server.address': '/run/redis.sock' }],
  ['one:9092,two:9092', {}],
  [undefined, {}],
])('spans say which client talks to which server: %s', async (where, server) => {
  const traces = recordTraces();
  const { bus, broker, clock } = await busAt({ where });
  await bus.publish(ping());
  await bus.publish([ping(), ping()]);
  broker.deliver(ping());
  await settle(clock);
  const spans = ['publish', 'create', 'dispatch'].flatMap(traces.named);
  expect(spans).toHaveLength(5);
  for (const { attributes } of spans) {
    expect(attributes['messaging.client.id']).toMatch(/^here~/);
    const found = Object.entries(attributes).filter(([name]) => name.startsWith('server.'));
    expect(Object.fromEntries(found)).toEqual(server);
  }
});

it('spans say what the transport says of an event and of a delivery', async () => {
  const traces = recordTraces();
  const { bus, broker, clock } = await busAt({
    eventAttributes: ({ aggregateId }) => ({ 'messaging.scripted.key': aggregateId }),
  });
  await bus.publish(ping());
  await bus.publish([ping(), ping()]);
  Object.assign(broker.deliver(ping()), { spanAttributes: { 'messaging.scripted.offset': 7 } });
  await settle(clock);
  const told = (name: string, attribute: string) =>
    traces.named(name).map(({ attributes }) => attributes[`messaging.scripted.${attribute}`]);
  expect(told('publish', 'key')).toEqual(['ball', undefined]);
  expect(told('create', 'key')).toEqual(['ball', 'ball']);
  expect(told('dispatch', 'offset')).toEqual([7]);
});

it('no metric says it: each start of a process would be series of its own', async () => {
  const { bus } = await busAt({ where: 'mq.example:5672' });
  const { collect } = recordMetrics();
  await bus.connect();
  await bus.publish(ping());
  const names = [...(await collect()).values()].flat().flatMap(({ attributes }) => Object.keys(attributes));
  expect(names).toContain('messaging.system');
  expect(names.filter((name) => /^server|client/.test(name))).toEqual([]);
});
