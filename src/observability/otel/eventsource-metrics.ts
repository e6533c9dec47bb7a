import { ValueType, type Attributes, type BatchObservableResult, type Meter } from '@opentelemetry/api';
import { BoundedAttributes } from './bounded-attributes.ts';
import type { Failure, Measures, Thrown } from './measures.ts';
import { errorType, type Scope } from './scope.ts';

/** What its gauges are read from. */
export interface KafkaReadings {
  readonly isConnected: () => boolean;
  /** Of its group, for each partition that this bus has: others tell of theirs. Empty while it doesn't consume. */
  readonly lags: () => Promise<readonly { topic: string; partition: number; lag: number }[]>;
}

/** Name of the meter of eventsource-py's Kafka bus. */
export const EVENTSOURCE_SCOPE = 'eventsource.bus.kafka';
const PREFIX = 'kafka.eventbus.';
const DESTINATION = 'messaging.destination';
const GROUP = 'messaging.kafka.consumer_group';
const PARTITION = 'messaging.kafka.partition';
const TYPE = 'event.type';
const ERROR = 'error.type';

/**
 * A Kafka bus under the names that eventsource-py gives its metrics, so that its dashboards and alerts serve both.
 * Durations are in milliseconds. Unlike there, `handler.invocations` counts failures too: else a rate of errors by it is wrong.
 */
export class EventSourceMetrics implements Measures {
  readonly #scope: Scope;
  readonly #counters;
  readonly #durations;
  readonly #batchSize;
  readonly #unobserve: () => void;
  readonly #destination: Attributes;
  readonly #published: BoundedAttributes;
  readonly #publishErrors: BoundedAttributes;
  readonly #consumed: BoundedAttributes;
  readonly #handlers = new BoundedAttributes({}, ['handler.name', TYPE]);
  readonly #handlerErrors = new BoundedAttributes({}, ['handler.name', TYPE, ERROR]);
  readonly #dlq = new BoundedAttributes({}, ['dlq.reason', ERROR]);
  readonly #connectionErrors = new BoundedAttributes({}, [ERROR]);

  constructor(meter: Meter, scope: Scope, readings: KafkaReadings) {
    this.#scope = scope;
    this.#destination = { [DESTINATION]: scope.destination };
    const system = { 'messaging.system': 'kafka', ...this.#destination };
    this.#published = new BoundedAttributes(system, [TYPE]);
    this.#publishErrors = new BoundedAttributes(system, [TYPE, ERROR]);
    this.#consumed = new BoundedAttributes(system, [PARTITION, TYPE]);
    const counter = (name: string, unit: string) => meter.createCounter(PREFIX + name, { unit });
    const duration = (name: string) => meter.createHistogram(`${PREFIX}${name}.duration`, { unit: 'ms' });
    this.#counters = {
      published: counter('messages.published', 'messages'),
      consumed: counter('messages.consumed', 'messages'),
      invocations: counter('handler.invocations', 'invocations'),
      handlerErrors: counter('handler.errors', 'errors'),
      dlq: counter('messages.dlq', 'messages'),
      connectionErrors: counter('connection.errors', 'errors'),
      reconnections: counter('reconnections', 'reconnections'),
      rebalances: counter('rebalances', 'rebalances'),
      publishErrors: counter('publish.errors', 'errors'),
    };
    this.#durations = {
      publish: duration('publish'),
      consume: duration('consume'),
      handler: duration('handler'),
    };
    this.#batchSize = meter.createHistogram(`${PREFIX}batch.size`, {
      unit: 'messages',
      valueType: ValueType.INT,
    });
    const connections = meter.createObservableGauge(`${PREFIX}connections.active`);
    const lag = meter.createObservableGauge(`${PREFIX}consumer.lag`, { unit: 'messages' });
    const group: Attributes = scope.group === undefined ? {} : { [GROUP]: scope.group };
    const observeConnection = (result: BatchObservableResult): void =>
      result.observe(connections, readings.isConnected() ? 1 : 0, group);
    const observeLag = async (result: BatchObservableResult): Promise<void> => {
      const lags = await readings.lags().catch(() => []);
      for (const { topic, partition, lag: behind } of lags)
        result.observe(lag, behind, { ...group, [DESTINATION]: topic, [PARTITION]: partition });
    };
    meter.addBatchObservableCallback(observeConnection, [connections]);
    meter.addBatchObservableCallback(observeLag, [lag]);
    this.#unobserve = () => {
      meter.removeBatchObservableCallback(observeConnection, [connections]);
      meter.removeBatchObservableCallback(observeLag, [lag]);
    };
  }

  published(types: readonly string[], stored: number, tookMs: number, failure: Thrown | undefined): void {
    if (failure === undefined) {
      this.#durations.publish.record(tookMs, this.#destination);
      this.#batchSize.record(types.length);
    }
    // Which of a list were stored is told of the list as a whole only: the first ones, in the order they were sent.
    for (const [at, given] of types.entries()) {
      const type = this.#bounded(given);
      if (at < stored) this.#counters.published.add(1, this.#published.of(type));
      else this.#counters.publishErrors.add(1, this.#publishErrors.of(type, errorType(failure?.error)));
    }
  }

  started(type: string, partition: string | undefined): void {
    const where = partition === undefined ? undefined : Number(partition);
    this.#counters.consumed.add(1, this.#consumed.of(where, this.#bounded(type)));
  }

  attempted(type: string, handler: string, tookMs: number, failure: Thrown | undefined): void {
    const attributes = this.#handlers.of(handler, this.#bounded(type));
    this.#counters.invocations.add(1, attributes);
    this.#durations.handler.record(tookMs, attributes);
    if (failure === undefined) return;
    const failed = this.#handlerErrors.of(handler, this.#bounded(type), errorType(failure.error));
    this.#counters.handlerErrors.add(1, failed);
  }

  retried(): void {}

  dropped(): void {}

  ended(_type: string, outcome: string, tookMs: number, failure: Failure | undefined): void {
    this.#durations.consume.record(tookMs, this.#destination);
    if (outcome === 'dead-lettered')
      this.#counters.dlq.add(1, this.#dlq.of(failure?.reason ?? 'unknown', errorType(failure?.error)));
  }

  noticed(kind: string, count: number): void {
    if (kind === 'rebalanced') this.#counters.rebalances.add(count, { [GROUP]: this.#scope.group ?? '' });
    if (kind === 'reconnected') this.#counters.reconnections.add(count);
  }

  connectFailed(error: unknown): void {
    this.#counters.connectionErrors.add(1, this.#connectionErrors.of(errorType(error)));
  }

  connectionLost(error: unknown): void {
    this.connectFailed(error);
  }

  restart(): void {}

  stop(): void {
    this.#unobserve();
  }

  #bounded(type: string): string {
    return this.#scope.isKnown(type) ? type : 'other';
  }
}
