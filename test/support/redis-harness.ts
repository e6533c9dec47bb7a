import { randomUUID } from 'node:crypto';
import { Redis } from 'ioredis';
import type { Destination, TransportHarness } from '../../src/testing/index.ts';
import { RedisEventBus } from '../../src/transports/redis/index.ts';
import { urlBy, Ways } from './ways.ts';
import { startWorker } from './worker.ts';

/**
 * A Redis as the conformance suite sees it: each destination is a stream prefix of its own, reached through a proxy
 * of its own, so that a cut is one test's alone.
 */
export function redisHarness(redisUrl: string): TransportHarness {
  const { hostname, port } = new URL(redisUrl);
  const ways = new Ways({ host: hostname, port: Number(port || 6379) });
  const streamOf = ({ name }: Destination) => `${name}:stream`;
  let direct: Redis;

  /** The same address, but through the proxy if the test has asked for faults. */
  function urlOf(destination: Destination): string {
    const proxy = ways.proxyOf(destination);
    return proxy === undefined ? redisUrl : urlBy(redisUrl, proxy);
  }

  return {
    abilities: {
      durable: true,
      crossProcess: true,
      deliveryCount: true,
      keyOrder: 'single-consumer',
      replayFromStart: true,
      leased: true,
      allGroups: true,
      atomicDeadLetters: true,
      delayedRetry: false,
      consumesByItself: false,
    },
    window: 200,
    async start() {
      direct = new Redis(redisUrl, { lazyConnect: true });
      await direct.connect();
    },
    async stop() {
      await direct.quit();
    },
    destination: (testId) => ({ name: `conformance-${testId}-${randomUUID()}`, group: 'workers' }),
    makeBus: (destination, options) =>
      new RedisEventBus({
        redisUrl: urlOf(destination),
        streamPrefix: destination.name,
        blockMs: 500,
        pendingIdleMs: 2_000,
        ...options,
      }),
    async putRaw(destination, { id, type, key, headers, body }) {
      const fields: (string | Buffer)[] = ['event_id', id, 'event_type', type, 'aggregate_id', key];
      for (const [name, value] of Object.entries(headers)) fields.push(`h:${name}`, value);
      await direct.xadd(streamOf(destination), '*', ...fields, 'payload', Buffer.from(body));
    },
    async cleanUp(destination) {
      await ways.close(destination);
      for (let cursor = '0'; ;) {
        const [next, keys] = await direct.scan(cursor, 'MATCH', `${destination.name}:*`, 'COUNT', 1000);
        if (keys.length > 0) await direct.unlink(...keys);
        if (next === '0') return;
        cursor = next;
      }
    },
    consumeElsewhere: async (destination, group, name) =>
      startWorker({
        place: { broker: 'redis', url: redisUrl, destination: destination.name },
        consumerGroup: group,
        consumerName: name,
      }),
    faults: ways,
    probe: {
      async pending(destination, group) {
        const counts = await Promise.all(
          [streamOf(destination), `${streamOf(destination)}:group:${group}`].map(async (stream) => {
            const [count] = (await direct.xpending(stream, group).catch(noGroup)) as [number];
            return count;
          }),
        );
        return counts.reduce((sum, count) => sum + count, 0);
      },
      async dlqDepth(destination, group) {
        const entries = await direct.xrange(`${streamOf(destination)}_dlq`, '-', '+');
        return entries.filter(([, fields]) => fields[fields.indexOf('x-group') + 1] === group).length;
      },
    },
  };
}

function noGroup(error: Error): [number] {
  if (error.message.startsWith('NOGROUP')) return [0];
  throw error;
}
