import type { DomainEvent } from '../../contracts/event.ts';
import type { SpanAttributes } from '../../contracts/message.ts';
import type { Capabilities, Connection, Transport } from '../../contracts/transport.ts';
import type { TransportNotice } from '../../contracts/transport-notice.ts';
import { ConfigurationError, ConnectionError } from '../../errors.ts';
import { RabbitConnection } from './connection.ts';
import { Link, whereOf } from './link.ts';
import { loadDriver } from './load-driver.ts';
import { routingKeyOf } from './names.ts';
import { parseRabbitOptions, type RabbitSettings, type RabbitTransportOptions } from './options.ts';
import { connectionError } from './server-errors.ts';
import { checkVersion } from './server-version.ts';
import { Topology } from './topology.ts';

/** @throws {ConfigurationError} naming every wrong option. */
export const rabbitTransport = (options: RabbitTransportOptions = {}): RabbitTransport =>
  new RabbitTransport(parseRabbitOptions(options));

/** RabbitMQ by amqplib. */
export class RabbitTransport implements Transport {
  readonly name = 'rabbitmq';
  readonly destination: string;
  readonly capabilities: Capabilities;
  readonly deliveryTimeoutMs: number;
  readonly topology: Topology;
  /** Private, as everything that holds the URL: the machine's snapshots and inspection events show what is not. */
  readonly #settings: RabbitSettings;
  readonly #warned = new Set<string>();
  #connection: RabbitConnection | undefined;
  #wasOpen = false;

  constructor(settings: RabbitSettings) {
    this.#settings = settings;
    this.topology = new Topology(settings);
    this.destination = settings.exchangeName;
    this.deliveryTimeoutMs = settings.consumerTimeoutMs;
    this.capabilities = {
      durable: true,
      crossProcess: true,
      deliveryCount: settings.queueType === 'quorum',
      keyOrder: 'single-consumer',
      leased: false,
      allGroups: false,
      replayFromStart: false,
      atomicDeadLetters: false,
      delayedRetry: true,
    };
  }

  get where(): string {
    return whereOf(this.#settings);
  }

  /** The one that stands, for what only RabbitMQ has; undefined without one. */
  get connection(): RabbitConnection | undefined {
    return this.#connection;
  }

  eventAttributes({ aggregateType, eventType }: DomainEvent): SpanAttributes {
    return { 'messaging.rabbitmq.destination.routing_key': routingKeyOf(aggregateType, eventType) };
  }

  async connect(signal: AbortSignal, notice?: (notice: TransportNotice) => void): Promise<Connection> {
    const driver = await loadDriver();
    const wasOpen = this.#wasOpen;
    const publishing = await Link.open(driver, this.#settings, { role: 'publisher', signal, wasOpen });
    let consuming: Link | undefined;
    const abort = (): void => {
      publishing.destroy();
      consuming?.destroy();
    };
    signal.addEventListener('abort', abort, { once: true });
    try {
      checkVersion(publishing.serverVersion, this.#settings.queueType);
      consuming = await Link.open(driver, this.#settings, { role: 'consumer', signal, wasOpen });
      const connection = new RabbitConnection({
        settings: this.#settings,
        topology: this.topology,
        publishing,
        consuming,
        warned: this.#warned,
        notice,
      });
      await connection.open();
      signal.throwIfAborted();
      this.#keep(connection);
      return connection;
    } catch (error) {
      abort();
      if (signal.aborted && !(error instanceof ConfigurationError))
        throw new ConnectionError(`Gave up connecting to RabbitMQ at ${this.where}`, {
          cause: signal.reason,
        });
      throw connectionError('Could not connect to', this.where, error);
    } finally {
      signal.removeEventListener('abort', abort);
    }
  }

  #keep(connection: RabbitConnection): void {
    this.#connection = connection;
    this.#wasOpen = true;
    void connection.closed.then(() => {
      if (this.#connection === connection) this.#connection = undefined;
    });
  }
}
