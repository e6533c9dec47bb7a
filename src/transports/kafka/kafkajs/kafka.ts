import type { Kafka, Mechanism, SASLOptions } from 'kafkajs';
import { ConfigurationError } from '../../../errors.ts';
import type { KafkaSettings } from '../options.ts';
import type { FetchedRecord } from './fetched-record.ts';
import { tellWhyNot } from './coordinators.ts';
import type { Kafkajs } from './load-driver.ts';
import { oauthBearer } from './oauth-bearer.ts';
import type { KafkajsRecord } from './plain-record.ts';
import { Sockets } from './sockets.ts';

/** What is used of kafkajs' inner client, of which its types say nothing. */
export interface Cluster {
  refreshMetadataIfNecessary(): Promise<void>;
  /** Whichever answers. */
  readonly brokerPool: { findConnectedBroker(): Promise<Broker> };
  addTargetTopic(topic: string): Promise<void>;
  findLeaderForPartitions(topic: string, partitions: readonly number[]): Record<string, number[]>;
  findBroker(node: { nodeId: string }): Promise<Broker>;
  findGroupCoordinator(group: { groupId: string }): Promise<Broker>;
  getNodeIds(): readonly string[];
}

export interface Broker {
  metadata(topics: readonly string[]): Promise<unknown>;
  findGroupCoordinator(request: {
    readonly groupId: string;
    readonly coordinatorType: number;
  }): Promise<unknown>;
  joinGroup(request: { readonly memberId: string }): Promise<unknown>;
  fetch(request: object): Promise<{
    readonly responses: readonly {
      readonly partitions: readonly { readonly messages: readonly (KafkajsRecord | FetchedRecord)[] }[];
    }[];
  }>;
  /** Set anew each time the broker connects, when it has said which versions it speaks. */
  lookupRequest: RequestLookup;
}

/** Finds the request of that number in the newest version that both sides speak. */
export type RequestLookup = (apiKey: number, definitions: unknown) => RequestMaker;

export type RequestMaker = (options: unknown) => {
  readonly request: { readonly apiVersion: number };
  readonly response: { readonly decode: (answer: Buffer) => Promise<unknown> };
};

/** After so long a client asks anew which partitions a topic has, so that those added to it are soon written and read. */
export const METADATA_MS = 5000;

/** One kafkajs instance and its sockets: it is ended as a whole. */
export function createKafka(
  kafkajs: Kafkajs,
  settings: KafkaSettings,
  clientId: string,
): { readonly kafka: Kafka; readonly sockets: Sockets } {
  const sockets = new Sockets(settings.mapAddress);
  const kafka = new kafkajs.Kafka({
    clientId,
    brokers: [...settings.bootstrapServers],
    ssl: settings.ssl,
    ...(settings.sasl === undefined ? {} : { sasl: saslOptions(kafkajs, settings.sasl) }),
    logLevel: kafkajs.logLevel.NOTHING,
    connectionTimeout: 1000,
    authenticationTimeout: 5000,
    requestTimeout: 5000,
    // The machines decide when to try again, and how often.
    retry: {
      retries: 2,
      initialRetryTime: 100,
      maxRetryTime: 400,
      restartOnFailure: () => Promise.resolve(false),
    },
    socketFactory: sockets.factory,
  });
  return { kafka, sockets };
}

function saslOptions(kafkajs: Kafkajs, sasl: NonNullable<KafkaSettings['sasl']>): SASLOptions | Mechanism {
  return sasl.mechanism === 'oauthbearer' ? oauthBearer(kafkajs, sasl) : (sasl as SASLOptions);
}

/**
 * The inner client of what `make` makes. Nothing public leads to it; the version that has it is the peer dependency's.
 * @throws {ConfigurationError} with another kafkajs.
 */
export function withCluster<T>(kafka: Kafka, make: () => T): { readonly made: T; readonly cluster: Cluster } {
  const inner = kafka as unknown as Record<symbol, (options: object) => Cluster>;
  const key = Object.getOwnPropertySymbols(inner).find(
    ({ description }) => description === 'private:Kafka:createCluster',
  );
  const create = key === undefined ? undefined : inner[key];
  let cluster: Cluster | undefined;
  if (key !== undefined && create !== undefined)
    // An admin client would have the broker make what it asks after, with other numbers than ours.
    inner[key] = (options) => (cluster = create.call(kafka, { ...options, allowAutoTopicCreation: false }));
  const made = make();
  if (typeof cluster?.findGroupCoordinator !== 'function')
    throw new ConfigurationError(
      'This kafkajs is not the one Buschart knows. Run: npm install kafkajs@2.2.4',
    );
  tellWhyNot(cluster);
  return { made, cluster };
}
