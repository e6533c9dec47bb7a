import { once } from 'node:events';
import type { Channel } from 'amqplib';

/**
 * Resolves once the channel is closed, by the server's answer or with its connection: amqplib itself waits for the answer
 * alone, and for ever where the connection ends first (seen on 2.3.1).
 * @throws {Error} when it was closed before.
 */
export async function closeChannel(channel: Channel): Promise<void> {
  const ended = once(channel, 'close');
  // An error of the channel comes before its end, and says nothing more than that.
  ended.catch(() => undefined);
  await Promise.race([channel.close(), ended]);
}
