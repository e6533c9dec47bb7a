import { setTimeout as pause } from 'node:timers/promises';
import { connect, type Channel, type ConsumeMessage, type GetMessage } from 'amqplib';
import type { RabbitServer } from '../../../brokers/rabbitmq-server.ts';
import { urlBy } from '../../support/ways.ts';
import { rabbitRequests } from '../crash-point.ts';
import { GROUP, type TwoStepPlace } from './place.ts';

/** Deliveries that a consumer holds at most, as the bus asks for by default. */
const PREFETCH = 64;

/** A RabbitMQ with a second queue that gets a copy of everything, since what a group has settled is gone. */
export function rabbitPlaceAt(server: RabbitServer, destination: string): TwoStepPlace {
  const at = { broker: 'rabbitmq', url: server.url, destination } as const;
  const queue = `${destination}.${GROUP}`;
  const copies = `${destination}.copies`;

  async function asking<T>(ask: (channel: Channel) => Promise<T>): Promise<T> {
    const connection = await connect(server.url);
    connection.on('error', () => undefined);
    try {
      const channel = await connection.createChannel();
      channel.on('error', () => undefined);
      return await ask(channel);
    } finally {
      await connection.close().catch(() => undefined);
    }
  }

  /** All that a queue holds; unacknowledged, it goes back when the connection ends. */
  const idsIn = (name: string, idOf = eventId): Promise<string[]> =>
    asking(async (channel) => {
      const { messageCount } = await channel.checkQueue(name);
      const ids: string[] = [];
      if (messageCount === 0) return ids;
      // A quorum queue hands out 2,000 at most to a consumer that doesn't ask for more (seen on 3.10.8).
      await channel.prefetch(messageCount);
      await new Promise<void>((resolve, reject) => {
        channel.on('error', reject);
        const take = (message: ConsumeMessage | null) => {
          if (message !== null && ids.push(idOf(message)) === messageCount) resolve();
        };
        channel.consume(name, take).catch(reject);
      });
      return ids;
    });

  return {
    server,
    at,
    group: GROUP,
    // Heartbeats are one second apart.
    slowHandlerMs: 5_000,
    givesUpAfterMs: 2_000,
    noticesWithinMs: 2_000,
    countsDeliveries: true,
    requests: rabbitRequests,
    foldsDeadLetters: false,
    through: (way) => ({ at: { ...at, url: urlBy(server.url, way) }, options: {} }),
    async prepare() {
      await asking(async (channel) => {
        await channel.assertQueue(copies, { durable: true, arguments: { 'x-queue-type': 'quorum' } });
        await channel.bindQueue(copies, destination, '#');
      });
      await server.persistDeclarations();
    },
    async unsettled() {
      // What is in hand only rabbitmqctl tells, which takes a second; what is ready the broker says at once.
      const { messageCount } = await asking((channel) => channel.checkQueue(queue));
      if (messageCount > 0) return messageCount;
      // `list_queues` has counts that are up to five seconds old; the queue's own log knows.
      const ask = `ra:leader_query({'%2F_${queue}', node()}, fun rabbit_fifo:query_messages_total/1).`;
      const answer = await server.rabbitmqctl('eval', ask);
      const total = /^\{ok,\{\{\d+,\d+\},(?<total>\d+)\}/.exec(answer)?.groups?.['total'];
      if (total === undefined) throw new Error(`RabbitMQ doesn't tell what ${queue} holds: ${answer}`);
      return Number(total);
    },
    // Which ones it holds unacknowledged, the broker doesn't tell.
    beforeFault: () => Promise.resolve(({ consumers }) => consumers * PREFETCH),
    stored: () => idsIn(copies),
    deadLettered: async () => new Set(await idsIn(`${queue}.dlq`)),
    deadLetterIds: () => idsIn(`${queue}.dlq`, deadLetterId),
    async loseState() {
      await asking((channel) => channel.deleteQueue(queue));
      // What is published before its consumers have made the queue anew would be routed to the copies alone.
      for (let tries = 0; ; tries++) {
        const consumers = await asking((channel) => channel.checkQueue(queue)).catch(() => undefined);
        if (consumers !== undefined && consumers.consumerCount > 0) return;
        if (tries > 200) throw new Error(`Nobody has made ${queue} anew.`);
        await pause(50);
      }
    },
    async refuseStorage() {
      await server.rabbitmqctl('set_vm_memory_high_watermark', '0.00000001');
      return async () => void (await server.rabbitmqctl('set_vm_memory_high_watermark', '0.4'));
    },
    clear: () =>
      asking(async (channel) => {
        for (const name of [queue, copies, `${queue}.dlq`]) await channel.deleteQueue(name);
        await channel.deleteExchange(destination);
      }),
    close: () => Promise.resolve(),
  };
}

function eventId({ properties }: ConsumeMessage | GetMessage): string {
  return String(properties.messageId ?? properties.headers?.['event_id']);
}

function deadLetterId({ properties }: ConsumeMessage | GetMessage): string {
  return String(properties.headers?.['x-dead-letter-id']);
}
