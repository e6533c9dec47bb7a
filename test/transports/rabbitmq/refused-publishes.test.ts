import { afterEach, beforeEach, describe, expect, inject, it } from 'vitest';
import { PublishError } from '../../../src/index.ts';
import { eventually, Placed, Rig } from './rig.ts';

const rabbitmqUrl = inject('rabbitmqUrl');

describe.skipIf(rabbitmqUrl === undefined)('an event that one of several queues refuses', () => {
  let rig: Rig;
  let full: string;
  beforeEach(() => {
    rig = new Rig(rabbitmqUrl!);
    full = rig.queue('full');
  });
  afterEach(() => rig.close());

  /** A group that consumes, and beside it a queue that takes everything, and is full. */
  async function consumeBesideFullQueue() {
    const seen: string[] = [];
    const bus = rig.bus({ consumerGroup: 'g', publishTimeoutMs: 3000 });
    bus.subscribe(Placed, ({ eventId }) => void seen.push(eventId));
    await bus.startConsumingInBackground();
    await rig.raw(async (channel) => {
      const args = { 'x-max-length': 1, 'x-overflow': 'reject-publish' };
      await channel.assertQueue(full, { durable: true, arguments: args });
      await channel.bindQueue(full, rig.exchange, '#');
      channel.sendToQueue(full, Buffer.from('it is full'));
    });
    await eventually(
      () => rig.raw((channel) => channel.checkQueue(full)),
      ({ messageCount }) => messageCount === 1,
    );
    return { bus, seen };
  }

  it('is in doubt when its time is up, and the others have got it some times, not five a second', async () => {
    const { bus, seen } = await consumeBesideFullQueue();
    const event = Placed({ aggregateId: 'a', n: 1 });
    const refusal: unknown = await bus.publish(event).catch((error: unknown) => error);
    expect(refusal).toBeInstanceOf(PublishError);
    expect(refusal).toMatchObject({ stored: [], unknown: [event.eventId], unsent: [], retryable: true });
    // After 0.2, 0.6 and 1.4 seconds, and maybe in its last moment.
    await eventually(
      () => seen.length,
      (count) => count >= 4,
    );
    expect(seen.length).toBeLessThanOrEqual(5);
    expect(new Set(seen)).toEqual(new Set([event.eventId]));
  });

  it('is stored once there is room, and what was published after it comes after it', async () => {
    const { bus, seen } = await consumeBesideFullQueue();
    const [first, second] = [1, 2].map((n) => Placed({ aggregateId: 'a', n }));
    const published = [bus.publish(first!)];
    await eventually(
      () => seen.length,
      (count) => count > 0,
    );
    published.push(bus.publish(second!));
    await rig.raw((channel) => channel.deleteQueue(full));
    await Promise.all(published);
    await eventually(
      () => seen,
      (ids) => ids.includes(second!.eventId),
    );
    expect(seen.at(-1)).toBe(second!.eventId);
  });
});
