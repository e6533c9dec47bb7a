import { type KafkaServer, startKafkaServer } from '../../../brokers/kafka-server.ts';
import type { KafkaEventBusOptions } from '../../../src/transports/kafka/index.ts';

const alice = { username: 'alice', password: 'open sesame' };

/** Whose rights a guarded Kafka asks for, as its access control lists name her. */
export const ALICE = `User:${alice.username}`;

/**
 * A Kafka where Alice comes in by a listener of her own and may do what nothing is said of. Whoever comes by the other
 * one may do everything.
 */
export const startGuardedKafka = (
  program: Parameters<typeof startKafkaServer>[0],
  properties: Readonly<Record<string, string>> = {},
): Promise<KafkaServer> =>
  startKafkaServer(program, {
    properties: {
      ...properties,
      'authorizer.class.name': 'org.apache.kafka.metadata.authorizer.StandardAuthorizer',
      'super.users': 'User:ANONYMOUS',
      'allow.everyone.if.no.acl.found': 'true',
    },
    listeners: [
      {
        name: 'LOGIN',
        protocol: 'SASL_PLAINTEXT',
        mechanisms: ['PLAIN'],
        users: { [alice.username]: alice.password },
      },
    ],
  });

/** Of a bus of hers, which makes no topics. */
export const asAlice = ({ listeners }: KafkaServer): KafkaEventBusOptions => ({
  bootstrapServers: listeners['LOGIN']!,
  sasl: { mechanism: 'plain', ...alice },
  createTopics: false,
});
