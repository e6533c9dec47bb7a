import type { Channel } from 'amqplib';
import { ConfigurationError } from '../../errors.ts';
import type { Link } from './link.ts';
import { asError, isMismatch, isMissing } from './server-errors.ts';

/** How something is asked for, as RabbitMQ shows it. */
export type Arguments = Readonly<Record<string, unknown>>;

/**
 * On a channel of its own, because a refusal closes the channel.
 * @throws {ConfigurationError} when it is there otherwise, or is only looked for and isn't there.
 */
export async function declaring<T>(
  link: Link,
  what: string,
  asked: Arguments,
  declare: (channel: Channel) => Promise<T>,
): Promise<T> {
  try {
    return await link.using(declare);
  } catch (error) {
    if (isMismatch(error)) throw refused(what, asked, asError(error));
    // Not one whose node is down, which is told as not found, too, and comes back.
    if (isMissing(error) && /no (queue|exchange) '/.test(asError(error).message))
      throw new ConfigurationError(
        `${what} isn't there, and with declare: "passive" nothing is made. Have somebody declare it: ${JSON.stringify(asked)}.`,
        error,
      );
    throw error;
  }
}

/** As RabbitMQ words it: `inequivalent arg 'x' for queue 'q' in vhost '/': received 'a' but current is 'b'`. */
const DIFFERENCE = /inequivalent arg '([^']+)'.*?: received (.+?) but current is (.+?)"?$/s;

function refused(what: string, asked: Arguments, error: Error): ConfigurationError {
  if (!error.message.includes('inequivalent'))
    return new ConfigurationError(
      `${what} can't be declared like this: ${JSON.stringify(asked)}. RabbitMQ says: ${error.message}.`,
      error,
    );
  const [, argument, ours, theirs] = DIFFERENCE.exec(error.message) ?? [];
  const difference =
    argument === undefined
      ? ''
      : `It differs in ${argument}: asked for ${ours}, there is ${theirs}; RabbitMQ tells the first difference only, ` +
        'and all that is there by `rabbitmqctl list_queues name durable arguments` or list_exchanges. ';
  return new ConfigurationError(
    `${what} is there and was declared otherwise. Asked for: ${JSON.stringify(asked)}. ${difference}` +
      `RabbitMQ says: ${error.message}. ` +
      'Use other options, another name, or delete it yourself once it is empty: Buschart never does.',
    error,
  );
}
