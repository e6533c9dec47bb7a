import { afterEach, beforeEach, describe, expect, inject, it } from 'vitest';
import { ConfigurationError, ConnectionError, PublishError } from '../../../src/index.ts';
import { RabbitMQEventBus, type RabbitMQEventBusOptions } from '../../../src/transports/rabbitmq/index.ts';
import { rabbitTransport } from '../../../src/transports/rabbitmq/transport.ts';
import { eventually, Placed, Rig } from './rig.ts';

const refusing = (options: object): unknown => {
  try {
    return new RabbitMQEventBus(options as RabbitMQEventBusOptions);
  } catch (error) {
    return error;
  }
};

describe('a RabbitMQ bus is not built', () => {
  it.each(
    (
      [
        ['prefetchCount', [0, -1, NaN, 1.5, 65_536, '5', null]],
        ['heartbeatSeconds', [0, -1, NaN, 0.5, 601, Infinity]],
        ['connectTimeoutMs', [-1, NaN, 1.5, '1']],
        ['publishTimeoutMs', [0, -1, NaN, 1.5, Infinity]],
        ['shutdownTimeoutMs', [-1, NaN, 1.5]],
        ['concurrency', [0, -1, NaN, 1.5]],
        ['maxDeliveries', [0, -1, NaN, 1.5]],
        ['dlqMessageTtlMs', [0, -1, NaN, 1.5]],
        ['consumerTimeoutMs', [0, -1, NaN, 1.5, '1']],
        ['dlqMaxLength', [0, -1, NaN, 1.5]],
      ] as const
    ).flatMap(([option, values]) => values.map((value) => [option, value] as const)),
  )('with %s: %s', (option, value) => {
    const refusal = refusing({ [option]: value });
    expect(refusal).toBeInstanceOf(ConfigurationError);
    expect((refusal as Error).message).toContain(`${option}: `);
  });

  it.each([
    ['exchangeType', { exchangeType: 'x-delayed-message' }, ['topic', 'direct', 'fanout', 'headers']],
    ['queueType', { queueType: 'stream' }, ['quorum', 'classic']],
    ['onUnroutable', { onUnroutable: 'ignore' }, ['error', 'warn']],
    ['declare', { declare: 'never' }, ['active', 'passive']],
    ['retry.waitIn', { retry: { waitIn: 'redis' } }, ['process', 'broker']],
  ])('with an unknown %s, and the refusal names those there are', (option, options, known) => {
    const refusal = refusing(options) as Error;
    expect(refusal).toBeInstanceOf(ConfigurationError);
    expect(refusal.message).toContain(`${option}: `);
    for (const value of known) expect(refusal.message).toContain(value);
  });

  it.each([
    ['rabbitmqUrl', { rabbitmqUrl: '' }, 'amqp://'],
    ['rabbitmqUrl', { rabbitmqUrl: 'localhost:5672' }, 'amqp://'],
    ['rabbitmqUrl', { rabbitmqUrl: 'http://localhost' }, 'amqp://'],
    ['rabbitmqUrl', { rabbitmqUrl: 'amqp://localhost:99999' }, 'amqp://'],
    ['rabbitmqUrl', { rabbitmqUrl: 'amqp://local host' }, 'amqp://'],
    ['exchangeName', { exchangeName: '' }, '1'],
    ['exchangeName', { exchangeName: 'x'.repeat(201) }, '200 bytes'],
    ['exchangeName', { exchangeName: 'é'.repeat(101) }, '200 bytes'],
    ['exchangeName', { exchangeName: 'a\nb' }, 'control characters'],
    ['exchangeName', { exchangeName: 'amq.topic', consumerGroup: 'g' }, '"amq."'],
    ['routingKeyPattern', { routingKeyPattern: 'é'.repeat(128) }, '255 bytes'],
    ['consumerGroup', { consumerGroup: '' }, '1'],
    ['consumerGroup', { consumerGroup: 'a\r\nb' }, 'control characters'],
    ['consumerGroup', { consumerGroup: 'a\0b' }, 'control characters'],
    ['consumerGroup', { consumerGroup: 'é'.repeat(120) }, '5 bytes too long'],
    ['consumerName', { consumerName: 'é'.repeat(124) }, '246 bytes'],
    ['tls', { tls: 5 }, 'tls'],
    ['retry.maxDelayMs', { ordering: 'none', retry: { waitIn: 'broker', maxDelayMs: 300_001 } }, '300000'],
    ['prefetch', { prefetch: 5 }, 'no such option'],
  ])('with a wrong %s: %o', (option, options, text) => {
    const refusal = refusing({ exchangeName: 'events', ...options }) as Error;
    expect(refusal).toBeInstanceOf(ConfigurationError);
    expect(refusal.message).toContain(option);
    expect(refusal.message).toContain(text);
  });

  it('with several wrong options, and the refusal names all of them, but no password', () => {
    const { message } = refusing({
      rabbitmqUrl: 'http://user:secret@host',
      prefetchCount: 0,
      retry: { waitIn: 'redis' },
    }) as Error;
    for (const option of ['rabbitmqUrl', 'prefetchCount', 'retry.waitIn']) expect(message).toContain(option);
    expect(message).not.toContain('secret');
  });
});

describe('the address that messages of a RabbitMQ bus name', () => {
  it.each([
    ['amqp://user:secret@rabbit', undefined, 'rabbit:5672'],
    ['amqp://rabbit', false, 'rabbit:5672'],
    ['amqps://rabbit', undefined, 'rabbit:5671'],
    ['amqp://rabbit', true, 'rabbit:5671'],
    ['amqp://rabbit', { ca: 'one' }, 'rabbit:5671'],
    ['amqp://rabbit:5673', true, 'rabbit:5673'],
  ])('is the one that is dialled: %s with tls %o', (url, tls, where) => {
    expect(rabbitTransport({ rabbitmqUrl: url, tls }).where).toBe(where);
  });
});

const rabbitmqUrl = inject('rabbitmqUrl');

describe.skipIf(rabbitmqUrl === undefined)('a RabbitMQ bus that is built', () => {
  let rig: Rig;
  beforeEach(() => {
    rig = new Rig(rabbitmqUrl!);
  });
  afterEach(() => rig.close());

  const refusalOf = async (options: RabbitMQEventBusOptions) => {
    const bus = rig.bus({ connectTimeoutMs: Infinity, ...options });
    const refusal: unknown = await bus.connect().catch((error: unknown) => error);
    return { bus, refusal: refusal as Error };
  };

  it.each(['nowhere', 'no/where'])(
    'gives up for good where the virtual host "%s" is missing',
    async (vhost) => {
      const url = new URL(rabbitmqUrl!);
      url.pathname = `/${encodeURIComponent(vhost)}`;
      const { bus, refusal } = await refusalOf({ rabbitmqUrl: url.href });
      expect(refusal).toBeInstanceOf(ConnectionError);
      expect(refusal).toMatchObject({ retryable: false });
      expect(refusal.message).toContain(`virtual host "${vhost}"`);
      expect(bus.state).toBe('failed');
    },
  );

  it('gives up for good where the password is wrong, also while it consumes', async () => {
    const url = new URL(rabbitmqUrl!);
    url.password = 'xyzzy';
    const bus = rig.bus({ rabbitmqUrl: url.href, connectTimeoutMs: Infinity, consumerGroup: 'g' });
    bus.subscribe(Placed, () => undefined);
    await expect(bus.startConsuming()).rejects.toMatchObject({ name: 'ConnectionError', retryable: false });
    expect(bus.state).toBe('failed');
  });

  it('takes a slash for the default virtual host', async () => {
    const url = new URL(rabbitmqUrl!);
    url.pathname = '/';
    await rig.bus({ rabbitmqUrl: url.href }).connect();
  });

  it('gives up for good where RabbitMQ keeps the name of its exchange to itself', async () => {
    const { bus, refusal } = await refusalOf({ exchangeName: `amq.${rig.exchange}` });
    expect(refusal).toBeInstanceOf(ConfigurationError);
    expect(refusal.message).toContain('reserved prefix');
    expect(bus.state).toBe('failed');
  });

  it('consumes with the longest group and consumer that it takes, and through every queue of theirs', async () => {
    const consumerGroup = 'g'.repeat(255 - `${rig.exchange}.`.length - '.retry.300000'.length);
    const attempts: number[] = [];
    const bus = rig.bus({
      consumerGroup,
      consumerName: 'é'.repeat(123),
      ordering: 'none',
      retry: { waitIn: 'broker', baseDelayMs: 300_000, maxDelayMs: 300_000, jitter: 0 },
    });
    bus.subscribe(Placed, (_event, { attempt }) => {
      attempts.push(attempt);
      throw new Error('not yet');
    });
    await bus.startConsumingInBackground();
    await bus.publish(Placed({ aggregateId: 'a', n: 1 }));
    const waiting = `${rig.queue(consumerGroup)}.retry.300000`;
    await eventually(
      () => rig.raw((channel) => channel.checkQueue(waiting)).catch(() => ({ messageCount: 0 })),
      ({ messageCount }) => messageCount === 1,
    );
    expect(attempts).toEqual([1]);
    expect(Buffer.byteLength(waiting)).toBe(255);
  });

  it.each([
    ['an id', { eventId: 'x'.repeat(256) }, 'messageId'],
    ['headers', { actorId: 'x'.repeat(70_000) }, 'headers'],
  ])(
    'rejects at once an event whose %s AMQP has no room for, and publishes the next one',
    async (_, fields, text) => {
      const bus = rig.bus({ consumerGroup: 'g' });
      const seen: number[] = [];
      bus.subscribe(Placed, ({ n }) => void seen.push(n));
      await bus.startConsumingInBackground();
      const refusal: unknown = await bus
        .publish([Placed({ aggregateId: 'a', n: 1 }), Placed({ aggregateId: 'a', n: 2, ...fields })])
        .catch((error: unknown) => error);
      expect(refusal).toBeInstanceOf(PublishError);
      const { stored, unsent, unknown, message } = refusal as PublishError;
      expect([stored.length, unsent.length, unknown.length]).toEqual([1, 1, 0]);
      expect(message).toContain("AMQP can't carry it");
      expect(message).toContain(text);
      await bus.publish(Placed({ aggregateId: 'a', n: 3 }));
      await eventually(
        () => seen,
        ({ length }) => length === 2,
      );
      expect(seen).toEqual([1, 3]);
    },
  );
});
