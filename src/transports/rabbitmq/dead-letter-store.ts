import type { Channel, ConsumeMessage } from 'amqplib';
import type { Headers } from '../../contracts/message.ts';
import type { DeadLetterStore, StoredDeadLetter } from '../../contracts/transport.ts';
import { ConnectionError } from '../../errors.ts';
import { closeChannel } from './close-channel.ts';
import { Look } from './dead-letter-look.ts';
import { letterHeaders, letterPosition } from './letter-headers.ts';
import type { Link } from './link.ts';
import { dlqOf } from './names.ts';
import type { ConfirmedPublisher } from './publisher.ts';
import { copyProperties, RabbitMessage } from './rabbit-message.ts';
import { connectionError, isMissing } from './server-errors.ts';

/** So many more are taken out of the queue each time that the next is wanted. */
const PAGE = 100;

interface Shown {
  readonly look: Look;
  readonly raw: ConsumeMessage;
  /** That of the group, where it is replayed to. */
  readonly queue: string;
}

export interface DeadLetterStoreSettings {
  readonly link: Link;
  readonly publisher: ConfirmedPublisher;
  readonly queueOf: (group: string) => string;
}

/**
 * The dead letters of one group, in a classic queue. Looking at them takes them out for a moment, as far as the look goes,
 * over a channel that gives back what stays; on a classic queue they keep their places. One look at a time.
 */
export class RabbitDeadLetterStore implements DeadLetterStore {
  readonly #settings: DeadLetterStoreSettings;
  readonly #shown = new WeakMap<StoredDeadLetter, Shown>();
  /** One queue, one look; by queue. */
  readonly #looks = new Map<string, { readonly over: Promise<void>; readonly look: Look | undefined }>();

  constructor(settings: DeadLetterStoreSettings) {
    this.#settings = settings;
  }

  async *browse({
    group,
    after,
  }: Parameters<DeadLetterStore['browse']>[0]): AsyncGenerator<readonly StoredDeadLetter[]> {
    const queue = this.#settings.queueOf(group);
    const dlq = dlqOf(queue);
    while (this.#looks.has(dlq)) await this.#looks.get(dlq)?.over;
    let end = (): void => undefined;
    const over = new Promise<void>((resolve) => (end = resolve));
    this.#looks.set(dlq, { over, look: undefined });
    let look: Look | undefined;
    try {
      const channel = await this.#channel();
      const count = await countOf(channel, dlq);
      if (count === 0) {
        await closeChannel(channel).catch(() => undefined);
        return;
      }
      look = new Look(channel, dlq, count);
      this.#looks.set(dlq, { over, look });
      yield* this.#pages(look, { group, queue, after, count });
    } catch (error) {
      throw connectionError('Could not list the dead letters of', this.#settings.link.where, error);
    } finally {
      await look?.giveBack();
      this.#looks.delete(dlq);
      end();
    }
  }

  async depth(group: string): Promise<number> {
    const dlq = dlqOf(this.#settings.queueOf(group));
    try {
      const channel = await this.#channel();
      const ready = await countOf(channel, dlq);
      await closeChannel(channel).catch(() => undefined);
      return ready + (this.#looks.get(dlq)?.look?.held ?? 0);
    } catch (error) {
      throw connectionError('Could not count the dead letters of', this.#settings.link.where, error);
    }
  }

  async replay(letter: StoredDeadLetter, headers: Headers): Promise<boolean> {
    const { look, raw, queue } = this.#find(letter);
    const message = new RabbitMessage(raw);
    const outcome = await this.#settings.publisher.sendOne({
      exchange: '',
      routingKey: queue,
      content: message.body,
      properties: copyProperties(message, headers),
    });
    if (outcome === 'unroutable')
      throw new ConnectionError(`The queue "${queue}" is not there. Start a consumer of that group first.`);
    look.take(raw);
    return true;
  }

  async remove(letters: readonly StoredDeadLetter[]): Promise<number> {
    const shown = letters.map((letter) => this.#find(letter));
    for (const { look, raw } of shown) look.take(raw);
    return Promise.resolve(shown.length);
  }

  async *#pages(
    look: Look,
    {
      group,
      queue,
      after,
      count,
    }: { group: string; queue: string; after: string | undefined; count: number },
  ): AsyncGenerator<readonly StoredDeadLetter[]> {
    let isBehind = after === undefined;
    const passed: StoredDeadLetter[] = [];
    for (let left = count; left > 0;) {
      const most = Math.min(PAGE, left);
      const letters = (await look.next(most)).map((raw) => this.#show(look, raw, group, queue));
      left = letters.length < most ? 0 : left - most;
      if (isBehind) yield letters;
      else {
        passed.push(...letters);
        const at = passed.findIndex(({ position }) => position === after);
        isBehind = at >= 0;
        if (isBehind) yield passed.splice(0).slice(at + 1);
      }
    }
    // The one it stood at is gone by now: what failed later comes after it.
    if (!isBehind) yield passed.filter(({ position }) => position > (after as string));
  }

  #show(look: Look, raw: ConsumeMessage, group: string, queue: string): StoredDeadLetter {
    const message = new RabbitMessage(raw);
    const headers = letterHeaders(message, group, queue);
    const { id, type, key, attributes, body } = message;
    const letter: StoredDeadLetter = {
      position: letterPosition(headers, id),
      message: { id, type, key, attributes, headers, body },
    };
    this.#shown.set(letter, { look, raw, queue });
    return letter;
  }

  #find(letter: StoredDeadLetter): Shown {
    const shown = this.#shown.get(letter);
    if (shown === undefined || !shown.look.isOpen)
      throw new ConnectionError('A dead letter can be replayed or removed only while it is listed.');
    return shown;
  }

  #channel(): Promise<Channel> {
    return this.#settings.link.channel(() => undefined);
  }
}

/** 0 where there is no such queue; the channel is closed then. */
async function countOf(channel: Channel, queue: string): Promise<number> {
  try {
    return (await channel.checkQueue(queue)).messageCount;
  } catch (error) {
    if (isMissing(error)) return 0;
    throw error;
  }
}
