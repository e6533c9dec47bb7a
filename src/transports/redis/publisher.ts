import type { Redis } from 'ioredis';
import type { Message } from '../../contracts/message.ts';
import { PublishFailure } from '../../errors.ts';
import type { Link } from './link.ts';
import { toFields } from './message-fields.ts';
import { asError, isPassing, isServerAnswer } from './server-errors.ts';

/** Appends events to the stream. One socket answers in the order it was asked, so calls keep their order. */
export class Publisher {
  readonly #link: Link;
  readonly #stream: string;
  readonly #cut: readonly (string | number)[];

  constructor(link: Link, stream: string, maxLength: number | undefined) {
    this.#link = link;
    this.#stream = stream;
    this.#cut = maxLength === undefined ? [] : ['MAXLEN', '~', maxLength];
  }

  /** @throws {PublishFailure} */
  async publish(messages: readonly Message[]): Promise<void> {
    if (!this.#link.isOpen) {
      throw new PublishFailure('Redis is not connected', {
        stored: [],
        unknown: [],
        unsent: [...messages.keys()],
      });
    }
    const { redis } = this.#link;
    const [only] = messages;
    if (messages.length === 1 && only !== undefined) {
      try {
        await this.#append(redis, only);
      } catch (error) {
        throw failure([error]);
      }
      return;
    }
    const errors: unknown[] = new Array(messages.length);
    let failed = 0;
    await Promise.all(
      messages.map((message, index) =>
        this.#append(redis, message).catch((error: unknown) => {
          errors[index] = error;
          failed++;
        }),
      ),
    );
    if (failed > 0) throw failure(errors);
  }

  #append(redis: Redis, message: Message): Promise<unknown> {
    return redis.xadd(this.#stream, ...this.#cut, '*', ...toFields(message));
  }
}

/** `errors` has a place for every message, undefined for a stored one. */
function failure(errors: readonly unknown[]): PublishFailure {
  const outcome = { stored: [] as number[], unknown: [] as number[], unsent: [] as number[] };
  let cause: unknown;
  for (let index = 0; index < errors.length; index++) {
    const error = errors[index];
    if (error === undefined) outcome.stored.push(index);
    else {
      // What the server refused isn't stored; what it never answered may be.
      (isServerAnswer(error) ? outcome.unsent : outcome.unknown).push(index);
      cause ??= error;
    }
  }
  return new PublishFailure(
    `Redis did not store ${outcome.unknown.length + outcome.unsent.length} of ${errors.length} events: ${asError(cause).message}`,
    outcome,
    { retryable: !isServerAnswer(cause) || isPassing(cause), cause },
  );
}
