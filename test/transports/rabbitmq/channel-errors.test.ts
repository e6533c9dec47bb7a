import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, inject, it } from 'vitest';
import { startRabbitServer, type RabbitServer } from '../../../brokers/rabbitmq-server.ts';
import { eventually, Placed, Rig } from './rig.ts';

const program = inject('rabbitmqServer');

/** Longer than this no delivery may stay unacknowledged: the server closes its channel. */
const CONSUMER_TIMEOUT_MS = 2000;

describe.skipIf(program === undefined)('a channel that RabbitMQ closes under a consumer', () => {
  let server: RabbitServer;
  let rig: Rig;
  beforeAll(async () => {
    server = await startRabbitServer(program!);
    // How often it looks is no setting of its configuration file. Two looks that have come due while the server had no
    // processor close a channel twice, which amqplib answers by closing the connection.
    await server.rabbitmqctl(
      'eval',
      `application:set_env(rabbit, consumer_timeout, ${CONSUMER_TIMEOUT_MS}), application:set_env(rabbit, channel_tick_interval, 3000).`,
    );
    rig = new Rig(server.url);
  });
  afterEach(async () => {
    await rig.close();
    rig = new Rig(server.url);
  });
  afterAll(() => server.stop());

  /** The client's end of each connection. */
  const ports = async () =>
    (await server.rabbitmqctl('list_connections', 'peer_port')).match(/^\d+$/gm)?.toSorted();

  /** What the server has closed channels for since the text `before`. */
  async function closures(before: string): Promise<string[]> {
    const log = (await readFile(join(server.folder, 'rabbitmq.log'), 'utf8')).slice(before.length);
    return [...log.matchAll(/caused a channel exception (.*?)(?: on channel|$)/gm)].map(
      ([, what = '']) => what,
    );
  }

  it.each(['quorum', 'classic'] as const)(
    'is replaced on the same connection: a slow delivery of a %s queue is aborted and comes again, and publishing goes on',
    async (queueType) => {
      const before = await readFile(join(server.folder, 'rabbitmq.log'), 'utf8');
      const seen: string[] = [];
      const counts: unknown[] = [];
      let firstSignal: AbortSignal | undefined;
      let endFirst: () => void = () => undefined;
      const lines: string[] = [];
      const quiet = () => undefined;
      const warn = (_facts: unknown, text?: string) => void lines.push(String(text));
      const logger = { trace: quiet, debug: quiet, info: quiet, warn, error: quiet };
      const bus = rig.bus({ consumerGroup: 'g', queueType, logger });
      bus.subscribe(Placed, async ({ aggregateId, n }, { signal, deliveryCount }) => {
        if (n === 0 && firstSignal === undefined) {
          firstSignal = signal;
          await new Promise<void>((resolve) => (endFirst = resolve));
          return;
        }
        if (n === 0) counts.push(deliveryCount);
        seen.push(`${aggregateId} ${n}`);
      });
      await bus.startConsumingInBackground();
      const connections = await ports();
      expect(connections).toHaveLength(2);
      // Those of its key wait behind the slow one, and go back with it.
      await bus.publish(Array.from({ length: 5 }, (_, n) => Placed({ aggregateId: 'slow', n })));
      await eventually(
        () => firstSignal,
        (signal) => signal !== undefined,
      );
      let published = 0;
      await eventually(
        async () => {
          await bus.publish(Placed({ aggregateId: 'other', n: ++published }));
          return firstSignal?.aborted;
        },
        (isAborted) => isAborted === true,
      );
      endFirst();
      await bus.publish(Placed({ aggregateId: 'other', n: ++published }));

      await eventually(
        () => new Set(seen.filter((one) => one.startsWith('other'))),
        ({ size }) => size === published,
      );
      await eventually(
        () => seen.filter((one) => one.startsWith('slow')),
        ({ length }) => length === 5,
      );
      expect(seen.filter((one) => one.startsWith('slow'))).toEqual(
        Array.from({ length: 5 }, (_, n) => `slow ${n}`),
      );
      expect(new Set(seen).size).toBe(published + 5);
      expect(counts).toEqual([queueType === 'quorum' ? 2 : undefined]);
      expect(await ports()).toEqual(connections);
      expect(bus.getStats()).toMatchObject({ reconnections: 0, eventsPublished: published + 5 });
      expect(await bus.healthCheck()).toMatchObject({ status: 'healthy' });
      expect(await bus.deadLetters.count()).toBe(0);
      await bus.shutdown();
      expect(await rig.raw((channel) => channel.checkQueue(rig.queue('g')))).toMatchObject({
        messageCount: 0,
      });
      expect(lines.filter((line) => line.includes('consumer_timeout'))).toEqual([
        expect.stringMatching(/took back what was in hand of ".*\.g".*shorter timeoutMs.*timed out/s),
      ]);
      expect(await closures(before)).toEqual(['precondition_failed: delivery acknowledgement']);
    },
  );
});
