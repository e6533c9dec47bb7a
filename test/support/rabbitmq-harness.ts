import { randomUUID } from 'node:crypto';
import { connect, type Channel, type ChannelModel } from 'amqplib';
import type { Destination, TransportHarness } from '../../src/testing/index.ts';
import { RETRY_TIERS_MS } from '../../src/transports/rabbitmq/names.ts';
import { RabbitMQEventBus } from '../../src/transports/rabbitmq/index.ts';
import { urlBy, Ways } from './ways.ts';
import { startWorker } from './worker.ts';

/**
 * A RabbitMQ as the conformance suite sees it: each destination is an exchange of its own, reached through a proxy of
 * its own, so that a cut is one test's alone.
 */
export function rabbitHarness(rabbitmqUrl: string): TransportHarness {
  const { hostname, port } = new URL(rabbitmqUrl);
  const ways = new Ways({ host: hostname, port: Number(port || 5672) });
  /** Only who holds them knows of unsettled deliveries, without the management plugin. */
  const buses = new Map<string, RabbitMQEventBus[]>();
  const groups = new Map<string, Set<string>>();
  let model: ChannelModel;

  function urlOf(destination: Destination): string {
    const proxy = ways.proxyOf(destination);
    return proxy === undefined ? rabbitmqUrl : urlBy(rabbitmqUrl, proxy);
  }

  const noteGroup = (name: string, group: string | undefined): void => {
    if (group !== undefined) groups.set(name, (groups.get(name) ?? new Set()).add(group));
  };

  /** On a channel of its own, which a missing queue closes. */
  async function asking<T>(ask: (channel: Channel) => Promise<T>, otherwise: T): Promise<T> {
    const channel = await model.createChannel();
    channel.on('error', () => undefined);
    try {
      const answer = await ask(channel);
      await channel.close();
      return answer;
    } catch {
      return otherwise;
    }
  }

  return {
    abilities: {
      durable: true,
      crossProcess: true,
      deliveryCount: true,
      keyOrder: 'single-consumer',
      replayFromStart: false,
      leased: false,
      allGroups: false,
      atomicDeadLetters: false,
      delayedRetry: true,
      consumesByItself: false,
    },
    window: 64,
    async start() {
      model = await connect(rabbitmqUrl);
    },
    async stop() {
      await model.close();
    },
    destination: (testId) => ({ name: `conformance-${testId}-${randomUUID()}`, group: 'workers' }),
    makeBus(destination, options) {
      const bus = new RabbitMQEventBus({
        rabbitmqUrl: urlOf(destination),
        exchangeName: destination.name,
        heartbeatSeconds: 1,
        // What the suite calls unwanted must reach the group; what subscriptions bind is tested beside it.
        routingKeyPattern: '#',
        ...options,
      });
      buses.set(destination.name, [...(buses.get(destination.name) ?? []), bus]);
      noteGroup(destination.name, options.consumerGroup);
      return bus;
    },
    async putRaw({ name }, { id, type, key, headers, body }) {
      await asking(async (channel) => {
        channel.publish(name, `Conformance.${type}`, Buffer.from(body), {
          messageId: id,
          headers: { ...headers, event_type: type, aggregate_id: key },
        });
        await channel.checkExchange(name);
      }, undefined);
    },
    async cleanUp(destination) {
      const { name, group } = destination;
      await ways.close(destination);
      buses.delete(name);
      for (const one of new Set([group, ...(groups.get(name) ?? [])])) {
        const queue = `${name}.${one}`;
        const waiting = RETRY_TIERS_MS.map((tierMs) => `${queue}.retry.${tierMs}`);
        for (const left of [queue, `${queue}.dlq`, ...waiting])
          await asking((channel) => channel.deleteQueue(left), undefined);
      }
      await asking((channel) => channel.deleteExchange(name), undefined);
    },
    consumeElsewhere: async (destination, group, name) => {
      noteGroup(destination.name, group);
      return startWorker({
        place: { broker: 'rabbitmq', url: rabbitmqUrl, destination: destination.name },
        consumerGroup: group,
        consumerName: name,
      });
    },
    faults: ways,
    probe: {
      async pending({ name }, group) {
        const numbers = (buses.get(name) ?? []).map(async (bus) => {
          const queue = await bus.getQueueInfo().catch(() => undefined);
          return queue?.queue === `${name}.${group}` ? queue.unsettledHere : 0;
        });
        return (await Promise.all(numbers)).reduce((sum, count) => sum + count, 0);
      },
      dlqDepth: ({ name }, group) =>
        asking(async (channel) => (await channel.checkQueue(`${name}.${group}.dlq`)).messageCount, 0),
    },
  };
}
