import { randomUUID } from 'node:crypto';
import { type Admin, Kafka, type KafkaConfig, logLevel } from 'kafkajs';
import { generate } from 'selfsigned';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { kafkaAnswers, type KafkaServer, startKafkaServer } from '../../brokers/kafka-server.ts';
import { itIsAPrivateServer } from './private-server.ts';
import { createTopics } from '../support/kafka-topics.ts';

const program = inject('kafkaProgram');
const users = { alice: 'open sesame' };

describe.skipIf(program === undefined)('a private Kafka server', () => {
  let server: KafkaServer;
  let ca: string;
  beforeAll(async () => {
    const { cert, private: key } = await generate([{ name: 'commonName', value: 'localhost' }], {
      extensions: [{ name: 'subjectAltName', altNames: [{ type: 7, ip: '127.0.0.1' }] }],
    });
    ca = cert;
    const tls = { certificate: cert, key };
    server = await startKafkaServer(program!, {
      properties: { 'auto.create.topics.enable': 'false' },
      listeners: [
        {
          name: 'LOGIN',
          protocol: 'SASL_PLAINTEXT',
          mechanisms: ['PLAIN', 'SCRAM-SHA-256', 'SCRAM-SHA-512'],
          users,
        },
        { name: 'TLS', protocol: 'SSL', tls },
        { name: 'MUTUAL', protocol: 'SSL', tls: { ...tls, clientCa: cert } },
        { name: 'BOTH', protocol: 'SASL_SSL', mechanisms: ['SCRAM-SHA-512'], users, tls },
      ],
    });
  });
  afterAll(() => server.stop());

  /** How a login fares at that listener: the port at which its broker says it is found. */
  function portFor(listener: string, config: Partial<KafkaConfig>): Promise<number | undefined> {
    const address = server.listeners[listener]!;
    return withAdmin(
      { ...config, brokers: [address] },
      async (admin) => (await admin.describeCluster()).brokers[0]?.port,
    );
  }
  const portOf = (listener: string) => Number(server.listeners[listener]?.split(':')[1]);

  it.each(['plain', 'scram-sha-256', 'scram-sha-512'] as const)(
    'knows its users by %s',
    async (mechanism) => {
      const login = (password: string) =>
        ({ sasl: { mechanism, username: 'alice', password } }) as Partial<KafkaConfig>;
      expect(await portFor('LOGIN', login(users.alice))).toBe(portOf('LOGIN'));
      await expect(portFor('LOGIN', login('close'))).rejects.toThrow(/authentication failed/i);
    },
  );

  it('speaks TLS', async () => {
    expect(await portFor('TLS', { ssl: { ca } })).toBe(portOf('TLS'));
    await expect(portFor('TLS', { ssl: true })).rejects.toThrow(/self-signed/);
    const sasl = { mechanism: 'scram-sha-512', username: 'alice', password: users.alice } as const;
    expect(await portFor('BOTH', { ssl: { ca }, sasl })).toBe(portOf('BOTH'));
    await expect(portFor('MUTUAL', { ssl: { ca } })).rejects.toThrow();
  });

  it('makes no topic by itself when told so', async () => {
    await withAdmin({ brokers: [server.url] }, async (admin) => {
      const topic = `none-${randomUUID()}`;
      await expect(admin.fetchTopicMetadata({ topics: [topic] })).rejects.toThrow(/does not host this topic/);
      expect(await admin.listTopics()).not.toContain(topic);
    });
  });

  itIsAPrivateServer(() => server, {
    answers: kafkaAnswers,
    async write(url, value) {
      await withAdmin({ brokers: [url] }, (admin) => createTopics(admin, [{ topic: 'kept' }]));
      const producer = kafka({ brokers: [url] }).producer();
      await producer.connect();
      await producer.send({ topic: 'kept', acks: -1, messages: [{ value }] });
      await producer.disconnect();
    },
    async read(url) {
      const consumer = kafka({ brokers: [url] }).consumer({ groupId: randomUUID() });
      await consumer.connect();
      await consumer.subscribe({ topic: 'kept', fromBeginning: true });
      const { high } = await withAdmin(
        { brokers: [url] },
        async (admin) => (await admin.fetchTopicOffsets('kept'))[0]!,
      );
      const last = new Promise<string>((resolve) => {
        void consumer.run({
          eachMessage: ({ message }) => {
            if (Number(message.offset) === Number(high) - 1) resolve(String(message.value));
            return Promise.resolve();
          },
        });
      });
      try {
        return await last;
      } finally {
        await consumer.disconnect();
      }
    },
    starter: { module: 'kafka-server.ts', call: `startKafkaServer(${JSON.stringify(program)})` },
    failing: {
      start: () => startKafkaServer(program!, { properties: { 'log.segment.bytes': 'many' } }),
      words: 'log.segment.bytes',
    },
  });
});

function kafka(config: KafkaConfig): Kafka {
  return new Kafka({ logLevel: logLevel.NOTHING, ...config });
}

async function withAdmin<Result>(
  config: KafkaConfig,
  use: (admin: Admin) => Promise<Result>,
): Promise<Result> {
  const admin = kafka({ ...config, retry: { retries: 2 } }).admin();
  try {
    await admin.connect();
    return await use(admin);
  } finally {
    await admin.disconnect();
  }
}
