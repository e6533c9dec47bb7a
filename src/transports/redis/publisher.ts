import type { Message } from '../../contracts/message.ts';
import { PublishFailure } from '../../errors.ts';
import type { Link } from './link.ts';
import { toFields } from './message-fields.ts';
import { driverError, isPassing, isServerAnswer } from './server-errors.ts';

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
    const errors = await this.#append(messages);
    if (errors.some((error) => error !== undefined)) throw failure(errors);
  }

  /** What went wrong with each message; undefined for a stored one. */
  async #append(messages: readonly Message[]): Promise<readonly unknown[]> {
    const { redis } = this.#link;
    const [only] = messages;
    try {
      if (messages.length === 1 && only !== undefined) {
        await redis.xadd(this.#stream, ...this.#cut, '*', ...toFields(only));
        return [];
      }
      // Half the processor time of as many single commands.
      const pipeline = redis.pipeline();
      for (const message of messages) pipeline.xadd(this.#stream, ...this.#cut, '*', ...toFields(message));
      // Also on a lost socket exec() resolves, with an error for each command.
      const replies = (await pipeline.exec()) ?? [];
      return replies.map(([error]) => error ?? undefined);
    } catch (error) {
      return messages.map(() => error);
    }
  }
}

/** `errors` has a place for every message, undefined for a stored one. */
function failure(errors: readonly unknown[]): PublishFailure {
  const outcome = { stored: [] as number[], unknown: [] as number[], unsent: [] as number[] };
  let cause: Error | undefined;
  for (const [index, error] of errors.entries()) {
    if (error === undefined) {
      outcome.stored.push(index);
      continue;
    }
    // What the server refused isn't stored; what it never answered may be.
    (isServerAnswer(error) ? outcome.unsent : outcome.unknown).push(index);
    cause ??= driverError(error);
  }
  const failed = outcome.unknown.length + outcome.unsent.length;
  return new PublishFailure(
    `Redis did not store ${failed} of ${errors.length} events: ${cause?.message}`,
    outcome,
    { retryable: !isServerAnswer(cause) || isPassing(cause), cause },
  );
}
