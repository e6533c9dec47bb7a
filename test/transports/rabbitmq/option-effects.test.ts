import { afterEach, beforeEach, describe, expect, inject, it } from 'vitest';
import { NonRetryableError } from '../../../src/index.ts';
import { RabbitMQEventBus, type RabbitMQEventBusOptions } from '../../../src/transports/rabbitmq/index.ts';
import { urlBy } from '../../support/ways.ts';
import { eventually, Placed, Rig } from './rig.ts';

const rabbitmqUrl = inject('rabbitmqUrl');

describe.skipIf(rabbitmqUrl === undefined)('an option of a RabbitMQ bus', () => {
  let rig: Rig;
  beforeEach(() => {
    rig = new Rig(rabbitmqUrl!);
  });
  afterEach(() => rig.close());

  it.each([3, 7])(
    'prefetchCount %i is how many deliveries it holds, and the others stay in the queue',
    async (prefetchCount) => {
      let release: () => void = () => undefined;
      const held = new Promise<void>((resolve) => (release = resolve));
      const bus = rig.bus({ consumerGroup: 'g', prefetchCount, ordering: 'none' });
      bus.subscribe(Placed, () => held);
      await bus.startConsumingInBackground();
      await bus.publish(Array.from({ length: 10 }, (_, n) => Placed({ aggregateId: 'a', n })));
      const { unsettledHere, ready } = await eventually(
        () => bus.getQueueInfo(),
        (info) => info.unsettledHere + info.ready === 10 && info.unsettledHere >= prefetchCount,
      );
      expect([unsettledHere, ready]).toEqual([prefetchCount, 10 - prefetchCount]);
      release();
      await eventually(
        () => bus.getStats().eventsConsumed,
        (count) => count === 10,
      );
    },
  );

  /** Whose handler refuses as many events, in order; once all of them are dead letters. */
  async function refusing(count: number, options: RabbitMQEventBusOptions) {
    const bus = rig.bus({ consumerGroup: 'g', ...options });
    bus.subscribe(Placed, ({ n }) => {
      throw new NonRetryableError(`no ${n}`);
    });
    await bus.startConsumingInBackground();
    await bus.publish(Array.from({ length: count }, (_, n) => Placed({ aggregateId: 'a', n })));
    await eventually(
      () => bus.getStats().deadLettered,
      (stored) => stored === count,
    );
    return bus;
  }

  it('dlqMaxLength is how many dead letters there are at most; the oldest are gone', async () => {
    const bus = await refusing(5, { dlqMaxLength: 2 });
    expect((await bus.deadLetters.list()).map(({ error }) => error.message)).toEqual(['no 3', 'no 4']);
  });

  it('dlqMessageTtlMs is how long a dead letter is kept', async () => {
    const bus = await refusing(2, { dlqMessageTtlMs: 500 });
    expect(await bus.deadLetters.count()).toBe(2);
    await eventually(
      () => bus.deadLetters.count(),
      (count) => count === 0,
      3000,
    );
  });

  it('heartbeatSeconds is how soon a silent connection is found out', async () => {
    const proxy = await rig.proxy();
    const url = urlBy(rabbitmqUrl!, proxy);
    const [quick, slow] = [1, 30].map((heartbeatSeconds) =>
      rig.bus({ rabbitmqUrl: url, heartbeatSeconds }),
    ) as [RabbitMQEventBus, RabbitMQEventBus];
    await Promise.all([quick.connect(), slow.connect()]);
    proxy.set('blackhole');
    await eventually(
      () => quick.state,
      (state) => state === 'retrying',
      5000,
    );
    expect(slow.state).toBe('connected');
  });
});

describe('a handler on RabbitMQ that may take longer than RabbitMQ waits for it', () => {
  function warnings(options: RabbitMQEventBusOptions, timeoutMs?: number): string[] {
    const lines: string[] = [];
    const quiet = () => undefined;
    const warn = (_facts: unknown, text?: string) => void lines.push(String(text));
    const bus = new RabbitMQEventBus({
      ...options,
      logger: { debug: quiet, info: quiet, warn, error: quiet },
    });
    bus.subscribe(Placed, () => undefined, {
      name: 'slow',
      ...(timeoutMs === undefined ? {} : { timeoutMs }),
    });
    return lines;
  }

  it.each([
    ['as long as RabbitMQ’s default', {}, 1_800_000],
    ['for ever', {}, 0],
    ['by default as long as consumerTimeoutMs says', { consumerTimeoutMs: 300_000 }, undefined],
  ])('is warned of: %s', (_, options, timeoutMs) => {
    const [line, ...more] = warnings(options, timeoutMs);
    expect(line).toMatch(/"slow" may take .*the broker takes back/);
    expect(more).toEqual([]);
  });

  it.each([
    ['less than RabbitMQ’s default', {}, 1_799_999],
    ['the default', {}, undefined],
    ['for ever where RabbitMQ waits for ever', { consumerTimeoutMs: Infinity }, 0],
  ])('is not warned of otherwise: %s', (_, options, timeoutMs) => {
    expect(warnings(options, timeoutMs)).toEqual([]);
  });
});
