import { EventEmitter } from 'node:events';
import type { ConfirmChannel } from 'amqplib';
import { describe, expect, it } from 'vitest';
import type { Link } from '../../src/transports/rabbitmq/link.ts';
import { ConfirmedPublisher } from '../../src/transports/rabbitmq/publisher.ts';

/** A channel with room for so many messages at a time, and a link that opens one after the other. */
async function rig(room: number) {
  const opened: { readonly channel: EventEmitter; readonly sent: string[]; close(cause: Error): void }[] = [];
  let preparations = 0;
  const link = {
    where: 'here',
    isOpen: true,
    ended: new Promise<undefined>(() => undefined),
    confirmChannel: async (closed: (cause: Error) => void) => {
      const sent: string[] = [];
      const unconfirmed: ((error: Error | null) => void)[] = [];
      const channel = Object.assign(new EventEmitter(), {
        publish: (_x: string, _k: string, content: Buffer, _o: object, done: (e: Error | null) => void) => {
          sent.push(String(content));
          if (String(content) === 'lost') unconfirmed.push(done);
          else setImmediate(done, null);
          return sent.length % room !== 0;
        },
      });
      const close = (cause: Error): void => {
        channel.emit('error', cause);
        for (const done of unconfirmed) done(new Error('channel closed'));
        closed(cause);
      };
      opened.push({ channel, sent, close });
      return channel as unknown as ConfirmChannel;
    },
  };
  const publisher = new ConfirmedPublisher(link as unknown as Link, async () => void preparations++);
  await publisher.open();
  const send = (text: string) =>
    publisher.sendOne({ exchange: 'x', routingKey: 'k', content: Buffer.from(text), properties: {} });
  return { send, opened, preparations: () => preparations };
}

const turns = async () => {
  for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve));
};

describe('a publisher on RabbitMQ whose socket is full', () => {
  it('has sent what it was told so of, and sends the next once there is room again', async () => {
    const { send, opened } = await rig(2);
    const stored = ['a', 'b', 'c', 'd', 'e'].map(send);
    const [{ channel, sent } = expect.fail('no channel')] = opened;
    expect(sent).toEqual(['a', 'b']);
    // Confirmed, and none goes on by that.
    expect(await Promise.all(stored.slice(0, 2))).toEqual(['stored', 'stored']);
    await turns();
    expect(sent).toEqual(['a', 'b']);
    channel.emit('drain');
    await turns();
    expect(sent).toEqual(['a', 'b', 'c', 'd']);
    channel.emit('drain');
    expect(await Promise.all(stored)).toEqual(Array.from({ length: 5 }, () => 'stored'));
    expect(sent).toEqual(['a', 'b', 'c', 'd', 'e']);
  });

  it('goes on over another channel when that one is closed, and waits for no drain of it', async () => {
    const { send, opened, preparations } = await rig(1);
    const lost = send('lost');
    const next = send('next');
    await turns();
    expect(opened[0]?.sent).toEqual(['lost']);
    const refusal = lost.catch((error: unknown) => String(error));
    opened[0]?.close(new Error("404 NOT_FOUND - no exchange 'x'"));
    expect(await next).toBe('stored');
    expect(await refusal).toContain("no exchange 'x'");
    expect(opened.map(({ sent }) => sent)).toEqual([['lost'], ['next']]);
    // Once for each channel: the exchange is declared again.
    expect(preparations()).toBe(2);
  });
});
