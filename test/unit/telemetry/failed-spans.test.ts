import { describe, expect, it, vi } from 'vitest';
import { EncodeError, NonRetryableError, PublishError } from '../../../src/errors.ts';
import { MemoryBroker } from '../../../src/transports/memory/index.ts';
import { memoryBus, ping, Pinged, pong, settle } from '../../support/memory-bus.ts';
import { recordTraces } from '../../support/recorded-telemetry.ts';
import { scriptedBus } from '../../support/scripted-broker.ts';

describe('the span of a publish', () => {
  it.each([
    ['one event', () => ping()],
    ['a list', () => [ping(), ping()]],
  ])(
    'of %s has failed when the broker did not take it, and names the class of the error',
    async (_, make) => {
      const traces = recordTraces();
      const { bus, broker, clock } = await scriptedBus(() => undefined, { publishTimeoutMs: 1000 });
      broker.publishFailure = new TypeError('no');
      const refused = bus.publish(make()).catch((error: unknown) => error);
      await clock.advance(2000);
      const error = await refused;
      expect(error).toBeInstanceOf(PublishError);
      const [publish, ...more] = traces.named('publish');
      expect(more).toEqual([]);
      expect(publish).toMatchObject({ isFailed: true, attributes: { 'error.type': 'PublishError' } });
      const thrown = publish?.events.map(({ name, attributes }) => [name, attributes['exception.message']]);
      expect(thrown).toEqual([['exception', (error as Error).message]]);
    },
  );

  it('has failed when nothing was sent, because one event of the list has no form on the wire', async () => {
    const traces = recordTraces();
    const byHand = Object.freeze({ ...pong(), n: Infinity });
    const thrown: unknown[] = [];
    const { broker, clock } = await scriptedBus((bus) =>
      bus.subscribe(Pinged, (_event, { publish }) =>
        publish([pong(), byHand]).catch((error: unknown) => void thrown.push(error)),
      ),
    );
    broker.deliver(ping());
    await settle(clock);
    expect(thrown).toEqual([expect.any(EncodeError)]);
    expect(broker.asked).toEqual(['ack 1']);
    expect(traces.named('publish')).toMatchObject([
      { isFailed: true, attributes: { 'error.type': 'EncodeError' } },
    ]);
  });

  it('has neither an error nor an exception when all went well', async () => {
    const traces = recordTraces();
    const { bus } = memoryBus();
    await bus.publish(ping());
    const [publish] = traces.named('publish');
    expect(publish).toMatchObject({ isFailed: false, events: [] });
    expect(publish?.attributes).not.toHaveProperty('error.type');
  });

  it('names the type of the aggregate, and of a list the span of each event does', async () => {
    const traces = recordTraces();
    const { bus } = memoryBus();
    await bus.publish(ping());
    await bus.publish([ping(), ping()]);
    const typeOf = (name: string) =>
      traces.named(name).map(({ attributes }) => attributes['eventsource.aggregate.type']);
    expect(typeOf('publish')).toEqual(['Ball', undefined]);
    expect(typeOf('create')).toEqual(['Ball', 'Ball']);
  });
});

describe('the span of a replay', () => {
  it('has failed when the broker did not take it, and names the class of the error', async () => {
    const traces = recordTraces();
    const broker = new MemoryBroker();
    const { bus } = memoryBus({ broker });
    bus.subscribe(Pinged, () => {
      throw new NonRetryableError('never');
    });
    await bus.publish(ping());
    await bus.idle();
    const [letter] = await bus.deadLetters.list();
    vi.spyOn(broker, 'replay').mockRejectedValueOnce(new RangeError('full'));
    await expect(bus.deadLetters.replay(letter?.id ?? '')).rejects.toThrow('full');
    expect(await bus.deadLetters.replay(letter?.id ?? '')).toBe(true);
    const [failed, succeeded] = traces
      .named('publish')
      .filter(({ attributes }) => attributes['messaging.operation.name'] === 'replay');
    expect(failed).toMatchObject({ isFailed: true, attributes: { 'error.type': 'RangeError' } });
    expect(succeeded?.isFailed).toBe(false);
    expect(succeeded?.attributes).toMatchObject({
      'messaging.message.id': letter?.eventId,
      'eventsource.event.id': letter?.eventId,
      'eventsource.event.type': 'Pinged',
      'eventsource.aggregate.type': 'Ball',
      'eventsource.aggregate.id': 'ball',
    });
    expect(succeeded?.attributes).not.toHaveProperty('error.type');
  });
});

describe('the span of a dispatch', () => {
  it('names the partition and the count of deliveries where the broker has them', async () => {
    const traces = recordTraces();
    const { broker, clock } = await scriptedBus((bus) => bus.subscribe(Pinged, () => undefined));
    Object.assign(broker.deliver(ping()), { partition: '3', deliveryCount: 2 });
    broker.deliver(ping());
    await settle(clock);
    const [placed, bare] = traces.named('dispatch').map(({ attributes }) => attributes);
    expect(placed).toMatchObject({
      'messaging.destination.partition.id': '3',
      'buschart.delivery.count': 2,
      'buschart.delivery.position': '1',
    });
    expect(Object.keys(bare ?? {})).not.toContain('messaging.destination.partition.id');
    expect(Object.keys(bare ?? {})).not.toContain('buschart.delivery.count');
  });
});
