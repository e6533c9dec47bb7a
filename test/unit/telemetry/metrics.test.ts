import { metrics, type Meter } from '@opentelemetry/api';
import { MeterProvider } from '@opentelemetry/sdk-metrics';
import { describe, expect, it, vi } from 'vitest';
import { ConnectionError, NonRetryableError, PublishError } from '../../../src/errors.ts';
import { defineEvent } from '../../../src/events/define-event.ts';
import { EventRegistry } from '../../../src/events/registry.ts';
import { kafkaesqueBus } from '../../support/kafkaesque-bus.ts';
import { gate, memoryBus, ping, Pinged, settle } from '../../support/memory-bus.ts';
import { recordMetrics, type Point } from '../../support/recorded-telemetry.ts';
import { scriptedBus } from '../../support/scripted-broker.ts';
import { z } from 'zod';

const SCRIPTED = {
  'messaging.system': 'scripted',
  'messaging.destination.name': 'scripted',
  'messaging.consumer.group.name': 'g',
};

/** The one point of a metric. */
function only(points: ReadonlyMap<string, readonly Point[]>, name: string): Point | undefined {
  const found = points.get(name) ?? [];
  expect([name, found.length]).toEqual([name, 1]);
  return found[0];
}

describe('metrics of the messaging conventions', () => {
  it('count and time what is published, consumed and handled, in seconds', async () => {
    const { collect, descriptors } = recordMetrics();
    const { bus } = memoryBus();
    bus.subscribe(Pinged, () => undefined, { name: 'well' });
    bus.subscribe(
      Pinged,
      () => {
        throw new NonRetryableError('never');
      },
      { name: 'ill' },
    );
    await bus.publish([ping(), ping()]);
    await bus.publish(ping());
    const points = await collect();

    expect(only(points, 'messaging.client.sent.messages')).toMatchObject({
      value: 3,
      attributes: {
        'messaging.system': 'memory',
        'messaging.destination.name': 'memory',
        'messaging.operation.name': 'publish',
        'messaging.operation.type': 'send',
      },
    });
    expect(only(points, 'messaging.client.operation.duration')?.value).toBe(2);
    expect(only(points, 'messaging.client.consumed.messages')).toMatchObject({
      value: 3,
      attributes: { 'messaging.operation.name': 'dispatch', 'messaging.consumer.group.name': 'default' },
    });
    const process = points.get('messaging.process.duration');
    expect(process?.map(({ value, attributes }) => [value, attributes])).toEqual(
      [
        { 'eventsource.handler.name': 'well' },
        { 'eventsource.handler.name': 'ill', 'error.type': 'NonRetryableError' },
      ].map((own) => [
        3,
        expect.objectContaining({
          'eventsource.event.type': 'Pinged',
          'messaging.operation.name': 'handle',
          ...own,
        }),
      ]),
    );
    expect(process?.every(({ sum = 0 }) => sum > 0 && sum < 1)).toBe(true);
    const duration = descriptors().find(({ name }) => name === 'messaging.process.duration');
    expect(duration).toMatchObject({
      unit: 's',
      advice: {
        explicitBucketBoundaries: [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10],
      },
    });
  });

  it('name the class of error of a publish that fails', async () => {
    const { collect } = recordMetrics();
    const { bus, broker, clock } = await scriptedBus(() => undefined, { publishTimeoutMs: 1000 });
    broker.answering = new Promise(() => undefined);
    const published = bus.publish(ping()).catch((error: unknown) => error);
    await clock.advance(2000);
    expect(await published).toBeInstanceOf(PublishError);
    const failed = (await collect())
      .get('messaging.client.sent.messages')
      ?.find(({ attributes }) => attributes['error.type'] === 'PublishError');
    expect(failed?.value).toBe(1);
  });

  it('count from when a meter is there, and each event by one meter alone', async () => {
    const { bus } = memoryBus();
    bus.subscribe(Pinged, () => undefined);
    await bus.publish([ping(), ping()]);
    const { collect } = recordMetrics();
    await bus.connect();
    await bus.publish(ping());
    const counts = async () => {
      const points = await collect();
      return ['sent', 'consumed'].map((what) => only(points, `messaging.client.${what}.messages`)?.value);
    };
    expect(await counts()).toEqual([1, 1]);
    // A provider that makes a new meter of the same name for whoever asks.
    const provider = metrics.getMeterProvider();
    vi.spyOn(provider, 'getMeter').mockImplementation(
      (name) => Object.create(MeterProvider.prototype.getMeter.call(provider, name)) as Meter,
    );
    for (let n = 0; n < 3; n++) {
      await bus.connect();
      await bus.publish(ping());
    }
    expect(await counts()).toEqual([4, 4]);
  });

  it('go on over resetStats, and are complete when the bus has stopped', async () => {
    const { collect } = recordMetrics();
    const { bus } = memoryBus();
    await bus.publish(ping());
    bus.resetStats();
    await bus.publish([ping(), ping()]);
    await bus.shutdown();
    expect(only(await collect(), 'messaging.client.sent.messages')?.value).toBe(3);
  });
});

describe('metrics that the conventions have no name for', () => {
  it('tell of retries, and of dead letters by reason', async () => {
    const { collect } = recordMetrics();
    const { broker, clock } = await scriptedBus(
      (bus) =>
        bus.subscribe(
          Pinged,
          () => {
            throw new TypeError('always');
          },
          { name: 'ill' },
        ),
      { maxRetries: 2 },
    );
    broker.deliver(ping());
    await clock.advance(10_000);
    const points = await collect();
    const common = { ...SCRIPTED, 'eventsource.event.type': 'Pinged', 'error.type': 'TypeError' };
    expect(only(points, 'buschart.retries')).toMatchObject({
      value: 2,
      attributes: { ...common, 'eventsource.handler.name': 'ill' },
    });
    expect(only(points, 'buschart.dead_letters')).toMatchObject({
      value: 1,
      attributes: { ...common, 'buschart.dead_letter.reason': 'attempts-exhausted' },
    });
  });

  it('tell of what is dropped where there are no dead letters', async () => {
    const { collect } = recordMetrics();
    const { bus } = memoryBus({ enableDlq: false });
    bus.subscribe(Pinged, () => {
      throw new Error('always');
    });
    await bus.publish(ping());
    await bus.idle();
    const points = await collect();
    expect(only(points, 'buschart.dropped')?.value).toBe(1);
    expect(points.get('buschart.dead_letters') ?? []).toEqual([]);
  });

  it.each([
    ['drop', { enableDlq: true }, { 'buschart.dead_letter.reason': 'drop', 'error.type': 'TypeError' }],
    [
      'attempts-exhausted',
      { enableDlq: false },
      { 'buschart.dead_letter.reason': 'attempts-exhausted', 'error.type': 'TypeError' },
    ],
    ['pushed-out', { maxDeadLetters: 1 }, { 'buschart.dead_letter.reason': 'pushed-out' }],
    ['pushed-out', { maxDeadLetters: 1, ordering: 'key' }, { 'buschart.dead_letter.reason': 'pushed-out' }],
  ] as const)('count as dropped what the statistics do: %s, %j', async (reason, options, attributes) => {
    const { collect } = recordMetrics();
    const classify = () => (reason === 'drop' ? 'drop' : undefined);
    const { bus } = memoryBus({ ...options, retry: { maxRetries: 0, classify } });
    bus.subscribe(Pinged, () => {
      throw new TypeError('always');
    });
    for (let n = 0; n < 3; n++) await bus.publish(ping());
    await bus.idle();
    const { value, attributes: told } = only(await collect(), 'buschart.dropped')!;
    expect(value).toBe(reason === 'pushed-out' ? 2 : 3);
    expect(value).toBe(bus.getStats().dropped);
    const {
      'messaging.system': _,
      'messaging.destination.name': __,
      'messaging.consumer.group.name': ___,
      ...own
    } = told;
    expect(own).toEqual({
      ...(reason !== 'pushed-out' && { 'eventsource.event.type': 'Pinged' }),
      ...attributes,
    });
  });

  it('count what else a transport notices, by kind', async () => {
    const { collect } = recordMetrics();
    const { broker, clock } = await scriptedBus((bus) => bus.subscribe(Pinged, () => undefined));
    for (const kind of ['trimmed', 'unroutable', 'late-ack', 'trimmed', 'committed'] as const)
      broker.notice?.({ kind, count: 2, detail: '', isRepeated: true });
    broker.lose();
    await clock.advance(5000);
    const points = (await collect()).get('buschart.notices');
    expect(points?.map(({ value, attributes }) => [attributes['buschart.notice.kind'], value])).toEqual([
      ['trimmed', 4],
      ['unroutable', 2],
      ['late-ack', 2],
    ]);
  });

  it('show what is in flight, waits in a lane and is oldest, and what the broker has', async () => {
    const { collect } = recordMetrics();
    const ended = gate();
    const { broker, clock } = await scriptedBus((bus) => bus.subscribe(Pinged, () => ended.promise));
    broker.lag = () => Promise.resolve(7);
    broker.info = { pendingMessages: 3, dlqMessages: 2 };
    broker.deliver(Pinged({ aggregateId: 'ball', occurredAt: new Date(clock.now() - 90_000) }));
    broker.deliver(ping());
    await settle(clock);
    const points = await collect();
    const values = Object.fromEntries(
      [
        'buschart.in_flight',
        'buschart.lane.wait',
        'buschart.consumer.oldest_pending.age',
        'buschart.consumer.lag',
        'buschart.consumer.pending',
        'buschart.dead_letters.stored',
      ].map((name) => [name, only(points, name)?.value]),
    );
    expect(values).toEqual({
      'buschart.in_flight': 2,
      'buschart.lane.wait': 2,
      'buschart.consumer.oldest_pending.age': 90,
      'buschart.consumer.lag': 7,
      'buschart.consumer.pending': 3,
      'buschart.dead_letters.stored': 2,
    });
    ended.open();
    await settle(clock);
    expect(only(await collect(), 'buschart.in_flight')?.value).toBe(0);
  });

  it('count actors by machine and state', async () => {
    const { collect } = recordMetrics();
    const { bus, clock, broker } = await scriptedBus((made) => {
      made.subscribe(Pinged, () => {
        throw new Error('again');
      });
      made.subscribe(Pinged, () => undefined);
    });
    broker.deliver(ping());
    await settle(clock);
    const states = async () =>
      Object.fromEntries(
        ((await collect()).get('buschart.actors') ?? []).map(({ attributes, value }) => [
          `${String(attributes['buschart.machine'])} ${String(attributes['buschart.state'])}`,
          value,
        ]),
      );
    expect(await states()).toEqual({
      'bus consuming': 1,
      'bus publishing.flowing': 1,
      'bus deadLetters.none': 1,
      'connection open.flowing': 1,
      'consumer consuming': 1,
      'consumer deliveries.retrying.waiting': 1,
      'consumer lanes.moving': 1,
      'consumer progress.watching': 1,
      'subscription retrying': 1,
      'subscription consuming': 1,
      'handler consuming': 2,
      'delivery retrying': 1,
    });
    broker.connectFailure = new Error('down');
    broker.lose();
    await settle(clock);
    expect(await states()).toMatchObject({ 'bus retrying': 1, 'consumer connecting.waiting': 1 });
    expect(bus.state).toBe('retrying');
  });

  it('count losses, reconnections, rebalances, commits, renewals and stalls', async () => {
    const { collect } = recordMetrics();
    const { broker, clock } = await scriptedBus((bus) => bus.subscribe(Pinged, () => undefined));
    broker.lose();
    await clock.advance(5000);
    for (const kind of ['rebalanced', 'committed', 'leases-renewed'] as const)
      broker.notice?.({ kind, count: 2, detail: '', isRepeated: true });
    broker.lag = () => Promise.resolve(5);
    await clock.advance(100_000);
    const points = await collect();
    const value = (name: string) => only(points, name)?.value;
    expect(value('buschart.connection.losses')).toBe(1);
    expect(value('buschart.reconnections')).toBe(1);
    expect(value('buschart.rebalances')).toBe(2);
    expect(value('buschart.commits')).toBe(2);
    expect(value('buschart.lease_renewals')).toBe(2);
    expect(value('buschart.stalls')).toBeGreaterThan(0);
  });

  it('count each attempt to connect that fails, before the first connection and after a loss', async () => {
    const { collect } = recordMetrics();
    const { bus, broker, clock, logger } = kafkaesqueBus({ connectTimeoutMs: 10_000 });
    const sum = (points: ReadonlyMap<string, readonly Point[]>, name: string) =>
      points.get(name)?.reduce((all, { value }) => all + value, 0) ?? 0;
    broker.connectFailure = new ConnectionError('nobody there');
    const timedOut = bus.connect().catch((error: unknown) => error);
    await clock.advance(10_000);
    expect(await timedOut).toBeInstanceOf(ConnectionError);
    const opening = broker.connects;
    expect(opening).toBeGreaterThan(2);
    expect(logger.lines.map(({ message, fields }) => [message, fields['reason']])).toEqual([
      ['The broker can not be reached yet; it is tried again.', 'nobody there'],
    ]);
    broker.connectFailure = undefined;
    await bus.connect();
    broker.connectFailure = new TypeError('down');
    broker.lose();
    await clock.advance(10_000);
    const points = await collect();
    const failed = broker.connects - 1;
    expect(failed).toBeGreaterThan(opening + 2);
    expect(
      points
        .get('buschart.connection.failures')
        ?.map(({ value, attributes }) => [value, attributes['error.type']]),
    ).toEqual([
      [opening, 'ConnectionError'],
      [failed - opening, 'TypeError'],
    ]);
    expect(only(points, 'buschart.connection.losses')?.value).toBe(1);
    expect(sum(points, 'kafka.eventbus.connection.errors')).toBe(failed + 1);
    // The loss was told.
    expect(logger.at('warn')).toHaveLength(2);
  });

  it('count an attempt to connect without an answer once, and one that a shutdown ends not at all', async () => {
    const { collect } = recordMetrics();
    const failures = async () =>
      (await collect()).get('buschart.connection.failures')?.map(({ value }) => value);
    const { bus, broker, clock, logger } = kafkaesqueBus({ connectTimeoutMs: 1000 });
    broker.connecting = new Promise(() => undefined);
    const timedOut = bus.connect().catch((error: unknown) => error);
    await clock.advance(1000);
    expect(await timedOut).toBeInstanceOf(ConnectionError);
    expect(await failures()).toEqual([1]);
    expect(logger.at('warn')).toEqual(['The broker can not be reached yet; it is tried again.']);
    void bus.connect().catch(() => undefined);
    await clock.advance(500);
    await bus.shutdown();
    expect(await failures()).toEqual([1]);
  });

  it('count a refusal once, which is logged as such', async () => {
    const { collect } = recordMetrics();
    const { bus, broker, logger } = kafkaesqueBus();
    broker.connectFailure = new ConnectionError('wrong password', { retryable: false });
    await bus.connect().catch(() => undefined);
    const points = await collect();
    expect(only(points, 'buschart.connection.failures')?.value).toBe(1);
    expect(only(points, 'kafka.eventbus.connection.errors')?.value).toBe(1);
    expect(points.get('buschart.connection.losses') ?? []).toEqual([]);
    expect(logger.lines.map(({ message }) => message)).toEqual([
      'The broker refuses this bus; it has given up.',
    ]);
  });

  it('add up buses that are alike, and forget those that have stopped', async () => {
    const { collect } = recordMetrics();
    const { bus } = memoryBus();
    memoryBus();
    const machines = async () =>
      (await collect())
        .get('buschart.actors')
        ?.find((point) => point.attributes['buschart.machine'] === 'bus');
    expect((await machines())?.value).toBe(2);
    await bus.shutdown();
    expect((await machines())?.value).toBe(1);
  });
});

describe('buses that are alike, at one broker', () => {
  const alike = async (pendingOf: 'group' | 'connection' | undefined, counts: readonly number[]) => {
    const { collect } = recordMetrics();
    for (const pendingMessages of counts) {
      const { broker } = await scriptedBus((bus) => bus.subscribe(Pinged, () => undefined));
      broker.info = { pendingMessages, dlqMessages: 2, ...(pendingOf && { pendingOf }) };
      broker.lag = () => Promise.resolve(5);
    }
    const points = await collect();
    return ['lag', 'pending']
      .map((name) => only(points, `buschart.consumer.${name}`)?.value)
      .concat(only(points, 'buschart.dead_letters.stored')?.value);
  };

  it('add up what is pending where each is told of its own only', async () => {
    expect(await alike('connection', [3, 4])).toEqual([5, 7, 2]);
  });

  it.each(['group', undefined] as const)('tell once what all are told (%s)', async (pendingOf) => {
    expect(await alike(pendingOf, [4, 4])).toEqual([5, 4, 2]);
  });

  it('say in getInfo() whose is pending', async () => {
    const { bus, broker } = await scriptedBus(() => undefined);
    expect(await bus.getInfo()).toMatchObject({ pendingMessages: 0, pendingOf: 'group' });
    broker.info = { pendingMessages: 3, dlqMessages: 0, pendingOf: 'connection' };
    expect(await bus.getInfo()).toMatchObject({ pendingMessages: 3, pendingOf: 'connection' });
  });
});

describe('attributes', () => {
  it('have no value without a bound: ids are none, and a type that is unknown here is "other"', async () => {
    const { collect } = recordMetrics();
    const { broker, clock } = await scriptedBus((bus) => bus.subscribeToAllEvents(() => undefined), {
      onUnwanted: 'dead-letter',
    });
    const elsewhere = new EventRegistry();
    for (let n = 0; n < 20; n++) {
      const Strange = defineEvent({
        type: `Strange${n}`,
        aggregateType: 'Ball',
        registry: elsewhere,
        schema: z.object({}),
      });
      const delivery = broker.deliver(ping(n, `ball ${n}`));
      const { message } = delivery;
      Object.assign(delivery, { message: { ...message, type: Strange.type } });
    }
    broker.deliver(ping());
    await settle(clock);
    const points = await collect();
    expect(only(points, 'buschart.dead_letters')).toMatchObject({
      value: 20,
      attributes: { 'eventsource.event.type': 'other', 'buschart.dead_letter.reason': 'unwanted' },
    });
    const names = [...points.values()].flat().flatMap(({ attributes }) => Object.keys(attributes));
    expect(names.filter((name) => /id$|key|position/.test(name))).toEqual([]);
  });

  it('stay few where classes of errors are many', async () => {
    const { collect } = recordMetrics();
    const { bus } = memoryBus();
    let n = 0;
    bus.subscribe(Pinged, () => {
      const error = new Error();
      error.name = `Error${n++}`;
      throw error;
    });
    for (let time = 0; time < 700; time++) await bus.publish(ping());
    expect((await collect()).get('messaging.process.duration')?.length).toBeLessThanOrEqual(501);
  });
});

describe("metrics under eventsource-py's names", () => {
  it('are made beside the others, each of them alive', async () => {
    const { collect } = recordMetrics();
    const { bus, broker, clock } = kafkaesqueBus();
    bus.subscribe(Pinged, ({ n }) => {
      if (n > 0) throw new TypeError('x');
    });
    await bus.startConsumingInBackground();
    await bus.publish([ping(), ping()]);
    for (const n of [0, 1]) Object.assign(broker.deliver(ping(n)), { partition: '3' });
    await settle(clock);
    broker.notice?.({ kind: 'rebalanced', count: 1, detail: '', isRepeated: true });
    broker.lose();
    await clock.advance(5000);
    broker.publishFailure = new Error('no');
    const refused = bus.publish(ping()).catch((error: unknown) => error);
    await clock.advance(40_000);
    expect(await refused).toBeInstanceOf(PublishError);
    const points = await collect();
    const value = (name: string) =>
      points.get(`kafka.eventbus.${name}`)?.reduce((sum, point) => sum + point.value, 0);
    expect(
      Object.fromEntries(
        [...points.keys()]
          .filter((name) => name.startsWith('kafka.'))
          .map((name) => [name.replace('kafka.eventbus.', ''), value(name.replace('kafka.eventbus.', ''))]),
      ),
    ).toEqual({
      'messages.published': 2,
      'messages.consumed': 2,
      'handler.invocations': 2,
      'handler.errors': 1,
      'messages.dlq': 1,
      'connection.errors': 1,
      reconnections: 1,
      rebalances: 1,
      'publish.errors': 1,
      'publish.duration': 1,
      'consume.duration': 2,
      'handler.duration': 2,
      'batch.size': 1,
      'connections.active': 1,
      'consumer.lag': 9,
    });
    expect(points.get('kafka.eventbus.consumer.lag')?.[0]?.attributes).toEqual({
      'messaging.kafka.consumer_group': 'g',
      'messaging.destination': 'events.stream',
      'messaging.kafka.partition': 3,
    });
  });
});
