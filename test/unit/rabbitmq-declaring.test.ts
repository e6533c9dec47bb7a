import type { Channel } from 'amqplib';
import { describe, expect, it } from 'vitest';
import { ConfigurationError } from '../../src/errors.ts';
import { declaring } from '../../src/transports/rabbitmq/declaring.ts';
import type { Link } from '../../src/transports/rabbitmq/link.ts';

const ASKED = { 'x-queue-type': 'quorum', 'x-delivery-limit': 30, 'x-overflow': 'reject-publish' };

/** As the driver tells what RabbitMQ answered. */
function answer(code: number, text: string): Promise<unknown> {
  const link = {
    using: (use: (channel: Channel) => Promise<unknown>) => use({} as Channel),
  } as unknown as Link;
  return declaring(link, 'The queue "q"', ASKED, () =>
    Promise.reject(
      Object.assign(new Error(`Operation failed: QueueDeclare; ${code} (REASON) with message "${text}"`), {
        code,
      }),
    ),
  ).catch((error: unknown) => error);
}

describe('a declaration that RabbitMQ refuses', () => {
  it.each([
    [
      "PRECONDITION_FAILED - inequivalent arg 'x-max-length' for queue 'q' in vhost '/': received none but current is the value '7' of type 'signedint'",
      "It differs in x-max-length: asked for none, there is the value '7' of type 'signedint';",
    ],
    [
      "PRECONDITION_FAILED - inequivalent arg 'durable' for queue 'q' in vhost '/': received 'true' but current is 'false'",
      "It differs in durable: asked for 'true', there is 'false';",
    ],
    [
      "PRECONDITION_FAILED - inequivalent arg 'x-dead-letter-exchange' for queue 'q' in vhost '/': received the value '' of type 'longstr' but current is none",
      "It differs in x-dead-letter-exchange: asked for the value '' of type 'longstr', there is none;",
    ],
  ])('because it is there otherwise: %s', async (text, difference) => {
    const refusal = await answer(406, text);
    expect(refusal).toBeInstanceOf(ConfigurationError);
    const { message } = refusal as Error;
    expect(message).toContain(JSON.stringify(ASKED));
    expect(message).toContain(difference);
    expect(message).toContain('the first difference only');
    expect(message).toContain(text);
  });

  it('because it is there otherwise, in words that nobody knows, is told by these words', async () => {
    const { message } = (await answer(406, 'PRECONDITION_FAILED - inequivalent, somehow')) as Error;
    expect(message).toContain('was declared otherwise');
    expect(message).toContain('inequivalent, somehow');
    expect(message).not.toContain('undefined');
  });

  it('because it takes no such argument is not told as a difference', async () => {
    const refusal = await answer(
      406,
      "PRECONDITION_FAILED - invalid arg 'x-dead-letter-strategy' for queue 'q' in vhost '/' of queue type rabbit_quorum_queue",
    );
    expect(refusal).toBeInstanceOf(ConfigurationError);
    expect((refusal as Error).message).toMatch(/can't be declared like this: .*invalid arg/s);
    expect((refusal as Error).message).not.toContain('was declared otherwise');
  });

  it('because it is not there, and must not be made', async () => {
    const refusal = await answer(404, "NOT_FOUND - no queue 'q' in vhost '/'");
    expect(refusal).toBeInstanceOf(ConfigurationError);
    expect((refusal as Error).message).toContain(JSON.stringify(ASKED));
  });

  it('because its node is down is no mistake of anybody: it comes back', async () => {
    const refusal = await answer(
      404,
      "NOT_FOUND - home node 'rabbit@a' of durable queue 'q' in vhost '/' is down or inaccessible",
    );
    expect(refusal).not.toBeInstanceOf(ConfigurationError);
    expect(refusal).toBeInstanceOf(Error);
  });
});
