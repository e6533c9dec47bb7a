import { afterAll, afterEach, beforeAll, describe, expect, inject, it } from 'vitest';
import { startRabbitServer, type RabbitServer } from '../../../brokers/rabbitmq-server.ts';
import { NonRetryableError, type EventBus } from '../../../src/index.ts';
import { eventually, Placed, Rig } from './rig.ts';

const program = inject('rabbitmqServer');

describe.skipIf(program === undefined)('a dead letter that RabbitMQ does not take', () => {
  let server: RabbitServer;
  let rig: Rig;
  beforeAll(async () => {
    server = await startRabbitServer(program!);
  });
  beforeAll(() => {
    rig = new Rig(server.url);
  });
  afterEach(async () => {
    await rig.close();
    rig = new Rig(server.url);
  });
  afterAll(() => server.stop());

  const limit = (pattern: string, definition: object) =>
    server.rabbitmqctl('set_policy', '--apply-to', 'queues', 'full', pattern, JSON.stringify(definition));

  /** A group whose handler fails for good at each event, and handles those from `100` on. */
  async function failing() {
    const seen: number[] = [];
    const bus = rig.bus({ consumerGroup: 'g' });
    bus.subscribe(Placed, ({ n }) => {
      if (n < 100) throw new NonRetryableError(`no ${n}`);
      seen.push(n);
    });
    await bus.startConsumingInBackground();
    return { bus, seen };
  }

  const reasonsOf = async (bus: EventBus) => (await bus.healthCheck()).reasons.join();
  const letters = async (bus: EventBus) =>
    (await (bus as Awaited<ReturnType<typeof failing>>['bus']).deadLetters.list()).map(
      ({ error }) => error.message,
    );

  it('because its queue is full keeps its delivery, which shows, and goes on by itself once there is room', async () => {
    const { bus, seen } = await failing();
    await limit('[.]dlq$', { 'max-length': 1, overflow: 'reject-publish' });
    await bus.publish(Placed({ aggregateId: 'a', n: 1 }));
    await eventually(
      () => bus.deadLetters.count(),
      (count) => count === 1,
    );
    await bus.publish(Placed({ aggregateId: 'b', n: 2 }));
    const reasons = await eventually(
      () => reasonsOf(bus),
      (text) => text.includes('a dead letter cannot be stored'),
    );
    expect(reasons).toContain(`${rig.queue('g')}.dlq`);
    expect(await bus.healthCheck()).toMatchObject({ status: 'degraded' });
    // Others go on meanwhile, and the delivery isn't acknowledged.
    await bus.publish(Placed({ aggregateId: 'c', n: 100 }));
    await eventually(
      () => seen,
      ({ length }) => length === 1,
    );
    expect(await bus.getQueueInfo()).toMatchObject({ unsettledHere: 1, deadLetters: 1 });
    await server.rabbitmqctl('clear_policy', 'full');
    await eventually(
      () => letters(bus),
      ({ length }) => length === 2,
    );
    expect(await letters(bus)).toEqual(['no 1', 'no 2']);
    await eventually(
      () => bus.healthCheck(),
      ({ status }) => status === 'healthy',
    );
    await eventually(
      () => bus.getQueueInfo(),
      ({ unsettledHere, ready }) => unsettledHere + ready === 0,
    );
  });

  it('for want of memory keeps its delivery, which shows, and goes on by itself after the alarm', async () => {
    let release: () => void = () => undefined;
    const held = new Promise<void>((resolve) => (release = resolve));
    const seen: number[] = [];
    const bus = rig.bus({ consumerGroup: 'g' });
    bus.subscribe(Placed, async ({ n }) => {
      if (n === 2) return void seen.push(n);
      await held;
      throw new NonRetryableError(`no ${n}`);
    });
    await bus.startConsumingInBackground();
    await bus.publish([1, 2].map((n) => Placed({ aggregateId: `a${n}`, n })));
    await eventually(
      () => seen,
      ({ length }) => length === 1,
    );
    await server.rabbitmqctl('set_vm_memory_high_watermark', '0.00000001');
    try {
      release();
      expect(
        await eventually(
          () => reasonsOf(bus),
          (text) => text !== '',
        ),
      ).toContain('blocked publishing');
      await eventually(
        () => bus.getStats().inFlight,
        (count) => count === 1,
      );
      // What consumes isn't blocked: its numbers are still answered, and its other delivery was acknowledged.
      expect(await bus.getQueueInfo()).toMatchObject({ unsettledHere: 1, ready: 0, deadLetters: 0 });
      expect(bus.getStats()).toMatchObject({ abandoned: 0, reconnections: 0 });
    } finally {
      await server.rabbitmqctl('set_vm_memory_high_watermark', '0.4');
    }
    await eventually(
      () => letters(bus),
      ({ length }) => length === 1,
    );
    expect(await letters(bus)).toEqual(['no 1']);
    await eventually(
      () => bus.healthCheck(),
      ({ status }) => status === 'healthy',
    );
    expect(bus.getStats()).toMatchObject({ reconnections: 0, deadLettered: 1 });
  });

  it('needs no handler: what a full classic queue drops is listed as rejected by the broker, and can be replayed', async () => {
    const seen: number[] = [];
    const bus = rig.bus({ consumerGroup: 'g', queueType: 'classic' });
    bus.subscribe(Placed, ({ n }) => void seen.push(n));
    await bus.startConsumingInBackground();
    await bus.stopConsuming();
    await limit('[.]g$', { 'max-length': 1 });
    await bus.publish([1, 2].map((n) => Placed({ aggregateId: 'a', n })));
    const [letter] = await eventually(
      () => bus.deadLetters.list(),
      ({ length }) => length === 1,
    );
    expect(letter).toMatchObject({ reason: 'rejected-by-broker', group: 'g', eventType: 'Placed' });
    expect(letter?.error.message).toContain('maxlen');
    await server.rabbitmqctl('clear_policy', 'full');
    expect(await bus.deadLetters.replay(letter!.id)).toBe(true);
    await bus.startConsumingInBackground();
    await eventually(
      () => seen,
      ({ length }) => length === 2,
    );
    expect(seen).toEqual([2, 1]);
  });
});
