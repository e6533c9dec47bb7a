import { afterAll, afterEach, beforeAll, describe, expect, inject, it } from 'vitest';
import { startRabbitServer, type RabbitServer } from '../../../brokers/rabbitmq-server.ts';
import { ConfigurationError, NonRetryableError, PublishError } from '../../../src/index.ts';
import type { RabbitMQEventBusOptions } from '../../../src/transports/rabbitmq/index.ts';
import { eventually, Placed, Rig, succeeds } from './rig.ts';

const program = inject('rabbitmqServer');

describe.skipIf(program === undefined)('a user of RabbitMQ whose rights do not reach', () => {
  let server: RabbitServer;
  let rig: Rig;
  beforeAll(async () => {
    server = await startRabbitServer(program!, { users: { alice: 'open sesame' } });
    rig = new Rig(server.url);
  }, 60_000);
  afterEach(async () => {
    await rig.close();
    rig = new Rig(server.url);
  });
  afterAll(() => server.stop());

  /** Exchanges of tests have no dot in their names, and queues have. */
  const EXCHANGES = '^[^.]*$';
  const alice = (options: RabbitMQEventBusOptions = {}) =>
    rig.bus({
      rabbitmqUrl: server.url.replace('guest:guest', 'alice:open%20sesame'),
      consumerGroup: 'g',
      ...options,
    });
  const allow = (configure: string, write: string, read: string) =>
    server.rabbitmqctl('set_permissions', 'alice', configure, write, read);
  afterEach(() => allow('.*', '.*', '.*'));

  it.each([
    ['declare its queue', [EXCHANGES, '.*', '.*']],
    ['bind its queue', ['.*', `${EXCHANGES}|amq.default`, '.*']],
    ['read its queue', ['.*', '.*', EXCHANGES]],
  ] as const)('to %s, ends consuming for good, and says which', async (_, [configure, write, read]) => {
    await allow(configure, write, read);
    const bus = alice();
    bus.subscribe(Placed, () => undefined);
    const refusal: unknown = await bus.startConsuming().catch((error: unknown) => error);
    expect(refusal).toBeInstanceOf(ConfigurationError);
    expect(String(refusal)).toMatch(/queue '.*' in vhost '\/' refused for user 'alice'/);
  });

  it('to declare anything, publishes and consumes with declare "passive" what others have declared', async () => {
    const owner = rig.bus({ consumerGroup: 'g' });
    owner.subscribe(Placed, () => undefined);
    await owner.startConsumingInBackground();
    await owner.shutdown();
    await allow('^$', `${EXCHANGES}|amq.default`, '[.](g|dlq)$');
    const seen: number[] = [];
    const bus = alice({ declare: 'passive' });
    bus.subscribe(Placed, ({ n }) => {
      if (n === 1) throw new NonRetryableError('no 1');
      seen.push(n);
    });
    await bus.startConsumingInBackground();
    await bus.publish([1, 2].map((n) => Placed({ aggregateId: 'a', n })));
    await eventually(
      () => seen,
      ({ length }) => length === 1,
    );
    expect((await bus.deadLetters.list()).map(({ error }) => error.message)).toEqual(['no 1']);
    await bus.shutdown();
    // The same rights are too few for a bus that declares.
    await expect(alice().connect()).rejects.toThrow(ConfigurationError);
  });

  it('to declare anything, is told with declare "passive" what is missing, and makes nothing', async () => {
    await allow('^$', '.*', '.*');
    const isThere = (what: 'checkExchange' | 'checkQueue', name: string) =>
      succeeds(rig.raw((channel) => channel[what](name)));
    const refusalOf = async () => {
      const bus = alice({ declare: 'passive' });
      bus.subscribe(Placed, () => undefined);
      const refusal: unknown = await bus.startConsuming().catch((error: unknown) => error);
      expect(refusal).toBeInstanceOf(ConfigurationError);
      return String(refusal);
    };
    expect(await refusalOf()).toMatch(`The exchange "${rig.exchange}" isn't there`);
    expect(await isThere('checkExchange', rig.exchange)).toBe(false);
    await rig.raw((channel) => channel.assertExchange(rig.exchange, 'topic', { durable: true }));
    expect(await refusalOf()).toMatch(`The queue "${rig.queue('g')}.dlq" isn't there`);
    expect(await isThere('checkQueue', rig.queue('g'))).toBe(false);
  });

  it('to publish, rejects what it publishes at once, and says so', async () => {
    await allow('.*', '^$', '.*');
    const refusal: unknown = await alice()
      .publish(Placed({ aggregateId: 'a', n: 1 }))
      .catch((error: unknown) => error);
    expect(refusal).toBeInstanceOf(PublishError);
    expect(String(refusal)).toMatch(/exchange '.*' in vhost '\/' refused for user 'alice'/);
  });

  it('to declare anything, keeps what it can’t dead-letter, and says which queue is missing, until that is there', async () => {
    const owner = rig.bus({ consumerGroup: 'g' });
    owner.subscribe(Placed, () => undefined);
    await owner.startConsumingInBackground();
    await owner.shutdown();
    await allow('^$', `${EXCHANGES}|amq.default`, '.*');
    const bus = alice({ declare: 'passive' });
    bus.subscribe(Placed, ({ n }) => {
      throw new NonRetryableError(`no ${n}`);
    });
    await bus.startConsumingInBackground();
    const dlq = `${rig.queue('g')}.dlq`;
    await rig.raw((channel) => channel.deleteQueue(dlq));
    await bus.publish(Placed({ aggregateId: 'a', n: 1 }));
    await eventually(
      async () => (await bus.healthCheck()).reasons.join(),
      (reasons) => reasons.includes(`a dead letter cannot be stored: The queue "${dlq}" isn't there`),
    );
    expect(await bus.getQueueInfo()).toMatchObject({ unsettledHere: 1, deadLetters: 0 });
    await rig.raw((channel) => channel.assertQueue(dlq, { durable: true }));
    await eventually(
      () => bus.deadLetters.count(),
      (count) => count === 1,
    );
    await eventually(
      () => bus.healthCheck(),
      ({ status }) => status === 'healthy',
    );
  });

  it('to declare anything, is told at the start which queue for waiting retries is missing', async () => {
    const owner = rig.bus({ consumerGroup: 'g' });
    owner.subscribe(Placed, () => undefined);
    await owner.startConsumingInBackground();
    await owner.shutdown();
    await allow('^$', '.*', '.*');
    const bus = alice({ declare: 'passive', ordering: 'none', retry: { waitIn: 'broker' } });
    bus.subscribe(Placed, () => undefined);
    const refusal: unknown = await bus.startConsuming().catch((error: unknown) => error);
    expect(refusal).toBeInstanceOf(ConfigurationError);
    expect(String(refusal)).toContain(`The queue "${rig.queue('g')}.retry.1000" isn't there`);
  });
});
