import type { Channel, ConsumeMessage } from 'amqplib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { QueueConsumers } from '../../src/transports/rabbitmq/queue-consumers.ts';
import { runSeed } from '../support/seed.ts';

/** A channel to a queue that always has more, and gives each consumer as much as its prefetch allows. */
class Server {
  readonly consumers = new Map<string, number>();
  readonly tags: string[] = [];
  readonly held = new Map<number, string>();
  /** Whether something is on its way to a consumer that is cancelled. */
  hasStrays = false;
  #prefetch = 0;
  #deliveryTag = 0;
  #receive: (raw: ConsumeMessage) => void = () => undefined;

  /** Hands out one delivery, to each consumer in turn; false when all have as much as they may. */
  deliver(): boolean {
    for (const [tag, prefetch] of this.consumers) {
      const count = [...this.held.values()].filter((holder) => holder === tag).length;
      if (count >= prefetch) continue;
      this.held.set(++this.#deliveryTag, tag);
      this.#receive({ fields: { deliveryTag: this.#deliveryTag } } as ConsumeMessage);
      return true;
    }
    return false;
  }

  readonly channel = {
    prefetch: async (count: number) => {
      expect(count).toBeGreaterThan(0);
      this.#prefetch = count;
    },
    consume: async (
      _queue: string,
      receive: (raw: ConsumeMessage) => void,
      options: { consumerTag: string },
    ) => {
      const { consumerTag } = options;
      expect(this.tags).not.toContain(consumerTag);
      this.tags.push(consumerTag);
      this.#receive = receive;
      this.consumers.set(consumerTag, this.#prefetch);
      return { consumerTag };
    },
    cancel: async (tag: string) => {
      if (this.hasStrays) this.deliver();
      this.consumers.delete(tag);
    },
  } as unknown as Channel;
}

function rig(window: number) {
  const server = new Server();
  const consumers = new QueueConsumers({
    name: 'c',
    window,
    inHand: () => server.held.size,
    receive: (raw) => consumers.received(raw!.fields.deliveryTag),
  });
  return {
    server,
    resume: () => consumers.consume(server.channel, 'q'),
    pause: () => consumers.cancel(server.channel),
    /** The one at that place of those in hand, the oldest first. */
    settle: async (at = 0) => {
      const tag = [...server.held.keys()][at];
      if (tag === undefined) return;
      server.held.delete(tag);
      if (consumers.settled(tag)) await consumers.consume(server.channel, 'q');
    },
    fill: () => {
      while (server.deliver());
    },
  };
}

describe('consumers of a RabbitMQ queue', () => {
  it.each([1, 2, 5, 64])('have a window of %i together, whatever was paused and settled', async (window) => {
    const moves = fc.array(
      fc.oneof(
        fc.constant('pause' as const),
        fc.constant('resume' as const),
        fc.constant('fill' as const),
        fc.nat({ max: window - 1 }),
      ),
      { maxLength: 100 },
    );
    await fc.assert(
      fc.asyncProperty(moves, async (steps) => {
        const { server, resume, pause, settle, fill } = rig(window);
        server.hasStrays = true;
        let isPaused = false;
        await resume();
        for (const step of steps) {
          if (step === 'fill') fill();
          else if (typeof step === 'number') await settle(step);
          else if ((step === 'pause') !== isPaused) {
            isPaused = step === 'pause';
            await (isPaused ? pause() : resume());
          }
          expect(server.held.size).toBeLessThanOrEqual(window);
          expect(server.consumers.size).toBeLessThanOrEqual(isPaused ? 0 : 5);
        }
        if (isPaused) await resume();
        fill();
        // Once all of those have gone, and what strayed in then, the whole window is in use again.
        for (let round = 0; round < 2; round++)
          for (let count = server.held.size; count > 0; count--) await settle();
        fill();
        expect(server.held.size).toBe(window);
      }),
      { seed: runSeed() },
    );
  });

  it('begin with what the window has room for, and go on once a quarter of it is free', async () => {
    const { server, resume, pause, settle, fill } = rig(8);
    await resume();
    fill();
    for (let count = 0; count < 3; count++) await settle();
    await pause();
    await resume();
    expect([...server.consumers]).toEqual([['c.2', 3]]);
    await settle();
    expect([...server.consumers]).toEqual([['c.2', 3]]);
    await settle();
    expect([...server.consumers]).toEqual([
      ['c.2', 3],
      ['c.3', 2],
    ]);
    // The last ones have nobody to wait for, be they as few as they may.
    for (let count = 0; count < 3; count++) await settle();
    expect([...server.consumers.values()].reduce((sum, prefetch) => sum + prefetch)).toBe(8);
  });

  it('become one again once nothing is in hand', async () => {
    const { server, resume, pause, settle, fill } = rig(8);
    await resume();
    fill();
    await pause();
    await resume();
    expect(server.consumers.size).toBe(0);
    for (let count = 0; count < 4; count++) await settle();
    expect(server.consumers.size).toBe(2);
    fill();
    while (server.held.size > 0) await settle();
    expect([...server.consumers.values()]).toEqual([8]);
  });
});
