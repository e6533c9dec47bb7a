import { EventEmitter } from 'node:events';
import type { Channel, ConsumeMessage } from 'amqplib';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { ConnectionError } from '../../src/errors.ts';
import { RabbitDeadLetterStore } from '../../src/transports/rabbitmq/dead-letter-store.ts';
import type { Link } from '../../src/transports/rabbitmq/link.ts';
import type { ConfirmedPublisher } from '../../src/transports/rabbitmq/publisher.ts';

const letter = (n: number) =>
  ({
    fields: { deliveryTag: n },
    properties: { messageId: `m${n}`, headers: { 'x-group': 'g' } },
    content: Buffer.from(String(n)),
  }) as unknown as ConsumeMessage;

/** A queue with so many letters, over a channel that hands them out as a prefetch allows. */
function queueOf(count: number) {
  const taken: number[] = [];
  let prefetch = Infinity;
  let consumers = 0;
  const channel = Object.assign(new EventEmitter(), {
    checkQueue: async () => ({ messageCount: count - taken.length }),
    prefetch: async (most: number) => void (prefetch = most),
    consume: async (_queue: string, receive: (raw: ConsumeMessage) => void) => {
      consumers++;
      for (let given = 0; given < prefetch && taken.length < count; given++) {
        taken.push(taken.length);
        receive(letter(taken.length));
      }
      return { consumerTag: String(consumers) };
    },
    cancel: async () => void consumers--,
    ack: () => undefined,
    nackAll: () => void taken.splice(0),
    close: async () => undefined,
  });
  return { store: storeOver(channel), inHand: () => taken.length, consumers: () => consumers };
}

function storeOver(channel: object): RabbitDeadLetterStore {
  return new RabbitDeadLetterStore({
    link: { where: 'here', channel: async () => channel as unknown as Channel } as unknown as Link,
    publisher: {} as ConfirmedPublisher,
    queueOf: (group) => group,
  });
}

/** A channel over which the test hands out what it likes, of a queue that says `counts` one after the other. */
function rig(counts: number[]) {
  let receive: (raw: ConsumeMessage | null) => void = () => undefined;
  let consuming = (): void => undefined;
  const consumes = new Promise<void>((resolve) => (consuming = resolve));
  const channel = Object.assign(new EventEmitter(), {
    checkQueue: async () => ({ messageCount: counts.length > 1 ? counts.shift() : counts[0] }),
    prefetch: async () => undefined,
    consume: async (_queue: string, callback: typeof receive) => {
      receive = callback;
      consuming();
      return { consumerTag: 't' };
    },
    cancel: async () => undefined,
    nackAll: () => undefined,
    close: async () => undefined,
  });
  const store = storeOver(channel);
  const listed = (async () => {
    const ids: string[] = [];
    for await (const page of store.browse({ group: 'g' })) ids.push(...page.map(({ message }) => message.id));
    return ids;
  })();
  return { channel, consumes, listed, receive: (raw: ConsumeMessage | null) => receive(raw) };
}

describe('a list of dead letters on RabbitMQ', () => {
  beforeEach(() => {
    vi.useFakeTimers();
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  it('takes no more in hand than who looks has come to, and gives all of it back', async () => {
    const { store, inHand, consumers } = queueOf(70_250);
    const seen: number[] = [];
    let pages = 0;
    for await (const page of store.browse({ group: 'g' })) {
      seen.push(...page.map(({ message }) => Number(message.body.toString())));
      expect(inHand()).toBe(seen.length);
      expect(consumers()).toBe(0);
      if (++pages === 3) break;
    }
    expect(seen).toEqual(Array.from({ length: 300 }, (_, n) => n + 1));
    expect(inHand()).toBe(0);
  });

  it('is as long as the queue', async () => {
    const { store, inHand } = queueOf(70_250);
    let count = 0;
    for await (const page of store.browse({ group: 'g' })) count += page.length;
    expect(count).toBe(70_250);
    expect(inHand()).toBe(0);
  });

  it('waits for what it has counted while the queue still has it, however long nothing comes', async () => {
    // Counted; then asked once after a second of silence, when two wait yet.
    const { consumes, listed, receive } = rig([3, 2, 0]);
    await consumes;
    receive(letter(1));
    await vi.advanceTimersByTimeAsync(1500);
    receive(letter(2));
    receive(letter(3));
    expect(await listed).toEqual(['m1', 'm2', 'm3']);
  });

  it('ends with what is left when others have taken the rest since it was counted', async () => {
    const { consumes, listed, receive } = rig([3, 0]);
    await consumes;
    receive(letter(1));
    await vi.advanceTimersByTimeAsync(1000);
    expect(await listed).toEqual(['m1']);
  });

  it('is refused when its queue is deleted under it', async () => {
    const { consumes, listed, receive } = rig([3, 0]);
    await consumes;
    receive(letter(1));
    receive(null);
    await expect(listed).rejects.toThrow(ConnectionError);
    await expect(listed).rejects.toThrow('"g.dlq" was deleted');
  });

  it('is refused when its channel is closed under it', async () => {
    const { channel, consumes, listed, receive } = rig([3, 0]);
    await consumes;
    receive(letter(1));
    channel.emit('close');
    await expect(listed).rejects.toThrow(ConnectionError);
  });
});
