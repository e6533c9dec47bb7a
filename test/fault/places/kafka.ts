import { randomUUID } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import kafkajs, { Kafka, logLevel, type Admin } from 'kafkajs';
import type { PrivateServer } from '../../../brokers/private-server.ts';
import { kafkaRequests } from '../crash-point.ts';
import { GROUP, type TwoStepPlace } from './place.ts';

/** A Kafka of one broker; its topics are made by the buses, with four partitions. */
export function kafkaPlaceAt(server: PrivateServer, destination: string): TwoStepPlace {
  const at = { broker: 'kafka', url: server.url, destination } as const;
  const topic = `${destination}.stream`;
  const deadLetterTopic = `${topic}.dlq`;
  const kafka = new Kafka({
    brokers: [server.url],
    logLevel: logLevel.NOTHING,
    retry: { retries: 8, initialRetryTime: 50, maxRetryTime: 500 },
  });

  async function asking<T>(ask: (admin: Admin) => Promise<T>): Promise<T> {
    const admin = kafka.admin();
    await admin.connect();
    try {
      return await ask(admin);
    } finally {
      await admin.disconnect();
    }
  }

  /** Records there are, and those that the group has committed. */
  const progress = (): Promise<{ stored: number; committed: number }> =>
    asking(async (admin) => {
      const ranges = await fetched(() => admin.fetchTopicOffsets(topic));
      const [commits] = await fetched(() => admin.fetchOffsets({ groupId: GROUP, topics: [topic] }));
      const committed = commits?.partitions.map(({ offset }) => Math.max(0, Number(offset))) ?? [];
      return { stored: sum(ranges.map(({ high }) => Number(high))), committed: sum(committed) };
    });

  async function idsIn(name: string, header = 'event_id'): Promise<string[]> {
    const records = await asking(async (admin) => {
      if (!(await admin.listTopics()).includes(name)) return 0;
      const ranges = await fetched(() => admin.fetchTopicOffsets(name));
      return sum(ranges.map(({ low, high }) => Number(high) - Number(low)));
    });
    const ids: string[] = [];
    if (records === 0) return ids;
    const consumer = kafka.consumer({ groupId: `view-${randomUUID()}` });
    await consumer.connect();
    try {
      await consumer.subscribe({ topic: name, fromBeginning: true });
      await new Promise<void>((resolve, reject) => {
        consumer.on('consumer.crash', ({ payload }) => reject(payload.error));
        const eachMessage = ({ message }: { message: { headers?: Record<string, unknown> } }) => {
          if (ids.push(String(message.headers?.[header])) === records) resolve();
          return Promise.resolve();
        };
        consumer.run({ autoCommit: false, eachMessage }).catch(reject);
      });
    } finally {
      await consumer.disconnect();
    }
    return ids;
  }

  return {
    server,
    at,
    group: GROUP,
    // Sessions are of 6 seconds.
    slowHandlerMs: 8_000,
    givesUpAfterMs: 6_000,
    // Three seconds without a fetch, looked at once a second.
    noticesWithinMs: 4_000,
    countsDeliveries: false,
    requests: kafkaRequests,
    foldsDeadLetters: true,
    through({ host, port }) {
      const mapAddress = () => ({ host, port });
      return { at: { ...at, url: `${host}:${port}` }, options: { mapAddress } };
    },
    prepare: () => Promise.resolve(),
    async unsettled() {
      const { stored, committed } = await progress();
      return stored - committed;
    },
    async beforeFault() {
      const { committed } = await progress();
      return ({ begun }) => Math.max(0, begun.size - committed);
    },
    stored: () => idsIn(topic),
    deadLettered: async () => new Set(await idsIn(deadLetterTopic)),
    deadLetterIds: () => idsIn(deadLetterTopic, 'x-dead-letter-id'),
    loseState: () => asking((admin) => admin.deleteTopics({ topics: [topic, deadLetterTopic] })),
    async refuseStorage() {
      const longestRecord = (value: string) =>
        asking((admin) =>
          admin.alterConfigs({
            validateOnly: false,
            resources: [
              {
                type: kafkajs.ConfigResourceTypes.TOPIC,
                name: topic,
                configEntries: [{ name: 'max.message.bytes', value }],
              },
            ],
          }),
        );
      await longestRecord('1');
      return async () => void (await longestRecord('1048588'));
    },
    clear: () =>
      asking(async (admin) => {
        const topics = (await admin.listTopics()).filter((name) => name.startsWith(destination));
        if (topics.length > 0) await admin.deleteTopics({ topics });
      }),
    close: () => Promise.resolve(),
  };
}

/** A broker that is back after a kill reads its logs before it leads or coordinates, and kafkajs doesn't ask again. */
async function fetched<T>(fetch: () => Promise<T>): Promise<T> {
  for (let tries = 0; ; tries++)
    try {
      return await fetch();
    } catch (error) {
      if ((error as { retriable?: boolean }).retriable !== true || tries > 100) throw error;
      await pause(100);
    }
}

const sum = (numbers: readonly number[]): number => numbers.reduce((total, one) => total + one, 0);
