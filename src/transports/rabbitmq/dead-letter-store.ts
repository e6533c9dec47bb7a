import type { Channel, ConsumeMessage } from 'amqplib';
import type { Headers } from '../../contracts/message.ts';
import type { DeadLetterStore, StoredDeadLetter } from '../../contracts/transport.ts';
import { ConnectionError } from '../../errors.ts';
import type { Link } from './link.ts';
import { dlqOf } from './names.ts';
import type { ConfirmedPublisher } from './publisher.ts';
import { copyProperties, RabbitMessage } from './rabbit-message.ts';
import { connectionError, isMissing } from './server-errors.ts';
import { brokerReason } from './broker-deaths.ts';

const PAGE = 100;
/** As many as AMQP can prefetch; more aren't shown at once. */
const MOST = 65_535;

interface Session {
  readonly channel: Channel;
  /** Taken out of the queue to be looked at, and not given back. */
  held: number;
  isOpen: boolean;
}

interface Shown {
  readonly session: Session;
  readonly raw: ConsumeMessage;
}

export interface DeadLetterStoreSettings {
  readonly link: Link;
  readonly publisher: ConfirmedPublisher;
  readonly queueOf: (group: string) => string;
}

/**
 * The dead letters of one group, in a classic queue. Looking at them takes them all out for a moment, over a channel
 * that gives back what stays; on a classic queue they keep their places. One look at a time.
 */
export class RabbitDeadLetterStore implements DeadLetterStore {
  readonly #settings: DeadLetterStoreSettings;
  readonly #shown = new WeakMap<StoredDeadLetter, Shown>();
  /** One queue, one look; by queue. */
  readonly #looks = new Map<
    string,
    { readonly over: Promise<void>; readonly session: Session | undefined }
  >();

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
    this.#looks.set(dlq, { over, session: undefined });
    let session: Session | undefined;
    try {
      const channel = await this.#channel();
      const count = await countOf(channel, dlq);
      if (count === 0) {
        await channel.close().catch(() => undefined);
        return;
      }
      session = { channel, held: 0, isOpen: true };
      this.#looks.set(dlq, { over, session });
      yield* this.#pages(session, { group, queue, dlq, after, count: Math.min(count, MOST) });
    } catch (error) {
      throw connectionError('Could not list the dead letters of', this.#settings.link.where, error);
    } finally {
      if (session !== undefined) await giveBack(session);
      this.#looks.delete(dlq);
      end();
    }
  }

  async depth(group: string): Promise<number> {
    const dlq = dlqOf(this.#settings.queueOf(group));
    try {
      const channel = await this.#channel();
      const ready = await countOf(channel, dlq);
      await channel.close().catch(() => undefined);
      return ready + (this.#looks.get(dlq)?.session?.held ?? 0);
    } catch (error) {
      throw connectionError('Could not count the dead letters of', this.#settings.link.where, error);
    }
  }

  async replay(letter: StoredDeadLetter, headers: Headers): Promise<boolean> {
    const { session, raw } = this.#find(letter);
    const group = letter.message.headers['x-group'];
    if (group === undefined) throw new ConnectionError('The dead letter names no group to replay it to.');
    const message = new RabbitMessage(raw);
    const queue = this.#settings.queueOf(group);
    const outcome = await this.#settings.publisher.sendOne({
      exchange: '',
      routingKey: queue,
      content: message.body,
      properties: copyProperties(message, headers),
    });
    if (outcome === 'unroutable')
      throw new ConnectionError(`The queue "${queue}" is not there. Start a consumer of that group first.`);
    take(session, raw);
    return true;
  }

  async remove(letters: readonly StoredDeadLetter[]): Promise<number> {
    const shown = letters.map((letter) => this.#find(letter));
    for (const { session, raw } of shown) take(session, raw);
    return Promise.resolve(shown.length);
  }

  async *#pages(
    session: Session,
    look: { group: string; queue: string; dlq: string; after: string | undefined; count: number },
  ): AsyncGenerator<readonly StoredDeadLetter[]> {
    const arrived: ConsumeMessage[] = [];
    let wake: () => void = () => undefined;
    let failure: Error | undefined;
    session.channel.once('close', () => {
      failure ??= new ConnectionError('The channel was closed while dead letters were listed');
      session.isOpen = false;
      wake();
    });
    await session.channel.prefetch(look.count);
    const { consumerTag } = await session.channel.consume(look.dlq, (raw) => {
      if (raw !== null && session.held < look.count) {
        session.held++;
        arrived.push(raw);
      }
      wake();
    });
    // Of one that others empty meanwhile fewer come than were counted.
    let left = look.count;
    let isBehind = look.after === undefined;
    const passed: StoredDeadLetter[] = [];
    while (left > 0) {
      if (failure !== undefined) throw failure;
      if (arrived.length === 0) {
        const isQuiet = await quiet((tell) => (wake = tell));
        if (isQuiet && arrived.length === 0) break;
        continue;
      }
      const letters = arrived.splice(0, PAGE).map((raw) => this.#show(session, raw, look));
      left -= letters.length;
      if (isBehind) yield letters;
      else {
        passed.push(...letters);
        const at = passed.findIndex(({ position }) => position === look.after);
        isBehind = at >= 0;
        if (isBehind) yield passed.splice(0).slice(at + 1);
      }
    }
    await session.channel.cancel(consumerTag);
    // The one it stood at is gone by now: what failed later comes after it.
    if (!isBehind) yield passed.filter(({ position }) => position > (look.after as string));
  }

  #show(
    session: Session,
    raw: ConsumeMessage,
    { group, queue }: { group: string; queue: string },
  ): StoredDeadLetter {
    const message = new RabbitMessage(raw);
    const headers: Headers = { ...brokerReason(message, group, queue), ...message.headers };
    const { id, type, key, attributes, body } = message;
    const letter: StoredDeadLetter = {
      position: `${headers['x-last-failure-at'] ?? ''}~${headers['x-dead-letter-id'] ?? id}`,
      message: { id, type, key, attributes, headers, body },
    };
    this.#shown.set(letter, { session, raw });
    return letter;
  }

  #find(letter: StoredDeadLetter): Shown {
    const shown = this.#shown.get(letter);
    if (shown === undefined || !shown.session.isOpen)
      throw new ConnectionError('A dead letter can be replayed or removed only while it is listed.');
    return shown;
  }

  #channel(): Promise<Channel> {
    return this.#settings.link.channel(() => undefined);
  }
}

function take(session: Session, raw: ConsumeMessage): void {
  session.channel.ack(raw);
  session.held--;
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

async function giveBack(session: Session): Promise<void> {
  if (!session.isOpen) return;
  session.isOpen = false;
  try {
    // In this order: closing alone kept the order too, but not always with large ones.
    session.channel.nackAll(true);
    await session.channel.close();
  } catch {
    // With its channel all of it goes back.
  }
}

const QUIET_MS = 1000;

/** Waits until it is woken; true when nothing came for a second. */
function quiet(listen: (wake: () => void) => void): Promise<boolean> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => resolve(true), QUIET_MS);
    listen(() => {
      clearTimeout(timer);
      resolve(false);
    });
  });
}
