import type { ConfirmChannel, Message as Returned, Options } from 'amqplib';
import { ConnectionError, EncodeError, EventBusError } from '../../errors.ts';
import type { Link } from './link.ts';
import { asError, connectionError } from './server-errors.ts';

/** Sent and unconfirmed at once: beyond it a faster pace only makes the server's answers later. */
const WINDOW = 1000;

/** One message on its way to an exchange. */
export interface Outgoing {
  readonly exchange: string;
  readonly routingKey: string;
  readonly content: Buffer;
  readonly properties: Options.Publish;
  /** Called once: without an error when it is stored and routed. */
  readonly settle: (failure?: SendFailure) => void;
}

/** Why a message isn't known to be stored. */
export interface SendFailure {
  readonly kind: 'unroutable' | 'unknown' | 'unsent';
  readonly error: Error;
}

/**
 * Publishes with confirms, in the order of the calls, over one channel at a time: an error of the channel, such as an
 * exchange that was deleted, costs what is in flight, and the next message opens another.
 */
export class ConfirmedPublisher {
  readonly #link: Link;
  readonly #prepare: () => Promise<void>;
  #channel: ConfirmChannel | undefined;
  #isOpening = false;
  #queue: Outgoing[] = [];
  #inFlight = 0;
  /** The socket's buffer is full; what was sent is sent, and the next one waits. */
  #isFull = false;
  /** Bindings that are being made: what is published after them must find them. */
  #held = 0;
  /** What the server closed a channel for: the driver tells only the channel itself, before it gives up what is in flight. */
  readonly #causes = new WeakMap<ConfirmChannel, Error>();
  /** How often a message of that id came back and hasn't been confirmed yet: a return always comes before. */
  readonly #returned = new Map<string, number>();

  /** @param prepare called before each new channel: sees to it that there is something to publish to. */
  constructor(link: Link, prepare: () => Promise<void>) {
    this.#link = link;
    this.#prepare = prepare;
    void link.ended.then((cause) =>
      this.#giveUp(cause ?? new ConnectionError('The connection to RabbitMQ was closed')),
    );
  }

  /** @throws {EventBusError} when the exchange can't be declared. */
  async open(): Promise<void> {
    await this.#openChannel();
  }

  send(messages: readonly Outgoing[]): void {
    for (const message of messages) this.#queue.push(message);
    this.#pump();
  }

  /** Resolves once it is stored and routed. Rejects with {@link SendFailure}'s error. */
  sendOne(message: Omit<Outgoing, 'settle'>): Promise<'stored' | 'unroutable'> {
    return new Promise((resolve, reject) => {
      const settle = (failure?: SendFailure): void => {
        if (failure === undefined) resolve('stored');
        else if (failure.kind === 'unroutable') resolve('unroutable');
        else reject(failure.error);
      };
      this.send([{ ...message, settle }]);
    });
  }

  /** Nothing more is sent until `done` has settled. */
  holdUntil(done: Promise<unknown>): void {
    this.#held++;
    const release = (): void => {
      this.#held--;
      this.#pump();
    };
    done.then(release, release);
  }

  #pump(): void {
    if (this.#queue.length === 0 || this.#held > 0) return;
    if (!this.#link.isOpen) {
      this.#giveUp(new ConnectionError(`RabbitMQ at ${this.#link.where} is not connected`));
      return;
    }
    // Whoever opens it goes on with what has come meanwhile.
    if (this.#isOpening) return;
    if (this.#channel === undefined) {
      void this.#openChannel().then(
        () => this.#pump(),
        (error: unknown) => this.#giveUp(asError(error)),
      );
      return;
    }
    let sent = 0;
    while (
      sent < this.#queue.length &&
      !this.#isFull &&
      this.#inFlight < WINDOW &&
      this.#channel !== undefined
    )
      this.#send(this.#channel, this.#queue[sent++] as Outgoing);
    this.#queue = sent === this.#queue.length ? [] : this.#queue.slice(sent);
  }

  #send(channel: ConfirmChannel, message: Outgoing): void {
    const { exchange, routingKey, content, properties, settle } = message;
    this.#inFlight++;
    try {
      const hasRoom = channel.publish(
        exchange,
        routingKey,
        content,
        { ...properties, mandatory: true },
        (error: unknown) => {
          this.#inFlight--;
          if (error === null || error === undefined) settle(this.#takeReturn(properties.messageId));
          else settle(failureOf(error, this.#closedBy(channel)));
          if (this.#queue.length > 0) this.#pump();
        },
      );
      // False means "no more for now", not "not sent".
      if (!hasRoom) this.#isFull = true;
    } catch (error) {
      // Either way the driver refuses at once, and nothing went out: the channel is closing, or AMQP has no room for it.
      this.#inFlight--;
      settle({ kind: 'unsent', error: isTooLarge(error) ? tooLarge(error) : asError(error) });
    }
  }

  async #openChannel(): Promise<void> {
    if (this.#isOpening || this.#channel !== undefined) return;
    this.#isOpening = true;
    try {
      await this.#prepare();
      const channel = await this.#link.confirmChannel(() => {
        if (this.#channel !== channel) return;
        this.#channel = undefined;
        this.#isFull = false;
        this.#returned.clear();
        this.#pump();
      });
      channel.on('error', (error: Error) => this.#causes.set(channel, error));
      channel.on('return', ({ properties }: Returned) => {
        const id = String(properties.messageId);
        this.#returned.set(id, (this.#returned.get(id) ?? 0) + 1);
      });
      channel.on('drain', () => {
        this.#isFull = false;
        this.#pump();
      });
      this.#channel = channel;
    } finally {
      this.#isOpening = false;
    }
  }

  #closedBy(channel: ConfirmChannel): Error | undefined {
    const cause = this.#causes.get(channel);
    return cause && connectionError('Could not publish to', this.#link.where, cause);
  }

  #takeReturn(messageId: string | undefined): SendFailure | undefined {
    if (this.#returned.size === 0) return undefined;
    const id = String(messageId);
    const count = this.#returned.get(id);
    if (count === undefined) return undefined;
    if (count === 1) this.#returned.delete(id);
    else this.#returned.set(id, count - 1);
    return { kind: 'unroutable', error: new Error('no queue is bound to its routing key') };
  }

  #giveUp(error: Error): void {
    for (const { settle } of this.#queue.splice(0)) settle({ kind: 'unsent', error });
  }
}

/** Such as a routing key of more than 255 bytes, or headers of more than the driver encodes: sent again it fails again. */
const isTooLarge = (error: unknown): error is Error =>
  error instanceof TypeError || error instanceof RangeError;

const tooLarge = (error: Error): EncodeError =>
  new EncodeError(`AMQP can't carry it: ${error.message}`, '', error);

function failureOf(error: unknown, closedBy: Error | undefined): SendFailure {
  if (error instanceof EventBusError) return { kind: 'unsent', error };
  // Neither a closed channel nor a nack says that it isn't stored: one of several queues that refuses it is enough for a
  // nack, and the others have it.
  return { kind: 'unknown', error: closedBy ?? asError(error) };
}
