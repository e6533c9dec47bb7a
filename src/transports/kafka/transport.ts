import type { DomainEvent } from '../../contracts/event.ts';
import type { SpanAttributes } from '../../contracts/message.ts';
import type { Capabilities, Connection, Transport } from '../../contracts/transport.ts';
import { ConfigurationError, ConnectionError, EventBusError } from '../../errors.ts';
import { KafkaConnection, type TopicMemory } from './connection.ts';
import type { KafkaDriver, MemberIdentity } from './driver.ts';
import { kafkajsDriver } from './kafkajs/index.ts';
import { topicOf } from './names.ts';
import { type KafkaSettings, type KafkaTransportOptions, parseKafkaOptions } from './options.ts';

/** @throws {ConfigurationError} naming every wrong option. */
export const kafkaTransport = (options: KafkaTransportOptions = {}): KafkaTransport => {
  const settings = parseKafkaOptions(options);
  return new KafkaTransport(settings, kafkajsDriver(settings, settings.bootstrapServers.join(',')));
};

/** Kafka, by whichever driver. */
export class KafkaTransport implements Transport {
  readonly name = 'kafka';
  readonly destination: string;
  readonly where: string;
  readonly capabilities: Capabilities;
  readonly deliveryTimeoutMs: number;
  readonly #settings: KafkaSettings;
  readonly #driver: KafkaDriver;
  readonly #identities = new Map<string, MemberIdentity>();
  readonly #memory: TopicMemory = { topics: new Set(), firstPartitions: new Map() };
  #connection: KafkaConnection | undefined;

  constructor(settings: KafkaSettings, driver: KafkaDriver) {
    this.#settings = settings;
    this.#driver = driver;
    this.destination = topicOf(settings.topicPrefix);
    this.where = settings.bootstrapServers.join(',');
    this.deliveryTimeoutMs = settings.maxPollIntervalMs;
    this.capabilities = {
      durable: true,
      crossProcess: true,
      deliveryCount: false,
      keyOrder: 'group',
      leased: false,
      allGroups: true,
      replayFromStart: settings.autoOffsetReset === 'earliest',
      atomicDeadLetters: false,
      delayedRetry: false,
    };
  }

  /** The one that stands, for what only Kafka has; undefined without one. */
  get connection(): KafkaConnection | undefined {
    return this.#connection;
  }

  eventAttributes({ aggregateId }: DomainEvent): SpanAttributes {
    return { 'messaging.kafka.message.key': aggregateId };
  }

  async connect(signal: AbortSignal): Promise<Connection> {
    const client = await this.#driver.open(signal);
    const connection = new KafkaConnection({
      client,
      settings: this.#settings,
      topic: this.destination,
      identityOf: (group, consumer) => this.#identityOf(group, consumer),
      memory: this.#memory,
    });
    try {
      await connection.open();
      signal.throwIfAborted();
    } catch (error) {
      await connection.close();
      if (error instanceof ConfigurationError || (error instanceof EventBusError && !signal.aborted))
        throw error;
      throw new ConnectionError(`Gave up connecting to Kafka at ${this.where}`, { cause: error });
    }
    this.#connection = connection;
    void connection.closed.then(() => {
      if (this.#connection === connection) this.#connection = undefined;
    });
    return connection;
  }

  #identityOf(group: string, consumer: string): MemberIdentity {
    const name = JSON.stringify([group, consumer]);
    const identity = this.#identities.get(name) ?? { memberId: undefined };
    this.#identities.set(name, identity);
    return identity;
  }
}
