import { join } from 'node:path';

/** A listener with logins, TLS or both; other settings by `properties`. */
export interface KafkaListener {
  /** Any, in capitals, such as `LOGIN`. */
  readonly name: string;
  readonly protocol: 'PLAINTEXT' | 'SASL_PLAINTEXT' | 'SSL' | 'SASL_SSL';
  /** For the protocols with SASL; each with all users. */
  readonly mechanisms?: readonly SaslMechanism[];
  /** Passwords by user; without quotes, commas and backslashes, which the server's files have words for. */
  readonly users?: Readonly<Record<string, string>>;
  /** For the protocols with SSL. */
  readonly tls?: KafkaTls;
  /** More of the listener's own, without the prefix `listener.name.<name>.`. */
  readonly properties?: Readonly<Record<string, string>>;
}

/** `OAUTHBEARER` takes any token that isn't signed and isn't expired: the server's own way for tests. */
export type SaslMechanism = 'PLAIN' | 'SCRAM-SHA-256' | 'SCRAM-SHA-512' | 'OAUTHBEARER';

/** In PEM; the key in PKCS #8, `BEGIN PRIVATE KEY`. */
export interface KafkaTls {
  readonly certificate: string;
  readonly key: string;
  /** Of those who signed clients' certificates. Given, a client needs one. */
  readonly clientCa?: string;
}

export interface KafkaPorts {
  readonly plain: number;
  readonly controller: number;
  /** By listener. */
  readonly others: Record<string, number>;
}

/** The lines of `server.properties`, for a node that is broker and controller in one. */
export function kafkaProperties(
  folder: string,
  ports: KafkaPorts,
  listeners: readonly KafkaListener[],
  more: Readonly<Record<string, string>>,
): string[] {
  const open = [
    `PLAINTEXT://127.0.0.1:${ports.plain}`,
    ...listeners.map(({ name }) => `${name}://127.0.0.1:${ports.others[name]}`),
  ];
  const protocols = ['PLAINTEXT:PLAINTEXT', 'CONTROLLER:PLAINTEXT'];
  protocols.push(...listeners.map(({ name, protocol }) => `${name}:${protocol}`));
  const properties: Record<string, string> = {
    'process.roles': 'broker,controller',
    'node.id': '1',
    'controller.quorum.voters': `1@127.0.0.1:${ports.controller}`,
    'controller.listener.names': 'CONTROLLER',
    'inter.broker.listener.name': 'PLAINTEXT',
    listeners: [...open, `CONTROLLER://127.0.0.1:${ports.controller}`].join(','),
    'advertised.listeners': open.join(','),
    'listener.security.protocol.map': protocols.join(','),
    'log.dirs': join(folder, 'data'),
    // The server's defaults ask for three brokers and make fifty partitions.
    'offsets.topic.replication.factor': '1',
    'offsets.topic.num.partitions': '4',
    'transaction.state.log.replication.factor': '1',
    'transaction.state.log.min.isr': '1',
    'transaction.state.log.num.partitions': '1',
    'share.coordinator.state.topic.replication.factor': '1',
    'share.coordinator.state.topic.min.isr': '1',
    'group.initial.rebalance.delay.ms': '0',
    // Of the heap; the default takes 128 MB.
    'log.cleaner.dedupe.buffer.size': '8388608',
    ...Object.assign({}, ...listeners.map(listenerProperties)),
    ...more,
  };
  // A line break in a value, such as a certificate's, is written as an escape.
  return Object.entries(properties).map(([name, value]) => `${name}=${value.replaceAll('\n', '\\n')}`);
}

/** What `StorageTool format --add-scram` takes, once for each user and mechanism. */
export function scramCredentials(listeners: readonly KafkaListener[]): string[] {
  const credentials = listeners.flatMap(({ mechanisms = [], users = {} }) =>
    mechanisms
      .filter((mechanism) => mechanism.startsWith('SCRAM'))
      .flatMap((mechanism) =>
        Object.entries(users).map(([name, password]) => `${mechanism}=[name=${name},password=${password}]`),
      ),
  );
  return [...new Set(credentials)];
}

function listenerProperties({
  name,
  mechanisms = [],
  users = {},
  tls,
  properties = {},
}: KafkaListener): Record<string, string> {
  const own: Record<string, string> = {};
  if (mechanisms.length > 0) own['sasl.enabled.mechanisms'] = mechanisms.join(',');
  for (const mechanism of mechanisms)
    own[`${mechanism.toLowerCase()}.sasl.jaas.config`] = loginModule(mechanism, users);
  if (tls !== undefined) {
    own['ssl.keystore.type'] = 'PEM';
    own['ssl.keystore.certificate.chain'] = tls.certificate;
    own['ssl.keystore.key'] = tls.key;
    if (tls.clientCa !== undefined) {
      own['ssl.client.auth'] = 'required';
      own['ssl.truststore.type'] = 'PEM';
      own['ssl.truststore.certificates'] = tls.clientCa;
    }
  }
  const prefix = `listener.name.${name.toLowerCase()}.`;
  return Object.fromEntries(
    Object.entries({ ...own, ...properties }).map(([key, value]) => [`${prefix}${key}`, value]),
  );
}

function loginModule(mechanism: SaslMechanism, users: Readonly<Record<string, string>>): string {
  const packageName = 'org.apache.kafka.common.security';
  switch (mechanism) {
    case 'PLAIN': {
      const passwords = Object.entries(users).map(([user, password]) => ` user_${user}="${password}"`);
      return `${packageName}.plain.PlainLoginModule required${passwords.join('')};`;
    }
    case 'OAUTHBEARER':
      return `${packageName}.oauthbearer.OAuthBearerLoginModule required unsecuredLoginStringClaim_sub="broker";`;
    default:
      return `${packageName}.scram.ScramLoginModule required;`;
  }
}
