import { metrics, type Context, type Meter } from '@opentelemetry/api';
import type { DomainEvent } from '../../contracts/event.ts';
import type { Headers, Message } from '../../contracts/message.ts';
import type { DeliveryTelemetry, DispatchTelemetry, PublishTelemetry } from '../../contracts/telemetry.ts';
import type { Delivery } from '../../contracts/transport.ts';
import { BusMetrics, type Readings } from './bus-metrics.ts';
import { EVENTSOURCE_SCOPE, EventSourceMetrics, type KafkaReadings } from './eventsource-metrics.ts';
import { FollowedDispatch } from './followed-dispatch.ts';
import { FollowedPublish } from './followed-publish.ts';
import { FollowedReplay } from './followed-replay.ts';
import { instrumentsOf } from './instruments.ts';
import type { Measures } from './measures.ts';
import { guarded, type Scope } from './scope.ts';
import { Sdk } from './sdk.ts';
import type { Following, Relation } from './spans.ts';

export interface TelemetrySettings {
  readonly enableTracing: boolean;
  readonly enableMetrics: boolean;
  readonly relation: Relation;
}

/** Traces and measures one bus by the SDK that its process has registered, if any. */
export class Telemetry implements DeliveryTelemetry {
  readonly #scope: Scope;
  readonly #relation: Relation;
  readonly #readings: Readings;
  readonly #kafka: KafkaReadings | undefined;
  readonly #sdk: Sdk;
  #measures: readonly Measures[] = [];
  #isStopped = false;

  /** @param kafka present where metrics go under eventsource-py's names too. */
  constructor(
    { enableTracing, enableMetrics, relation }: TelemetrySettings,
    scope: Scope,
    readings: Readings,
    kafka: KafkaReadings | undefined,
  ) {
    this.#scope = scope;
    this.#relation = relation;
    this.#readings = readings;
    this.#kafka = kafka;
    this.#sdk = new Sdk(
      { traces: enableTracing, metrics: enableMetrics },
      { meter: (meter) => this.#measureBy(meter), failed: scope.failed },
    );
    this.#sdk.look();
  }

  /** Somebody traces or measures. */
  get isOn(): boolean {
    return this.#sdk.isOn;
  }

  /** Undefined while nobody traces or measures. */
  publishing(events: readonly DomainEvent[]): PublishTelemetry | undefined {
    return this.#sdk.isOn ? new FollowedPublish(this.#following, events) : undefined;
  }

  arrived(delivery: Delivery): DispatchTelemetry | undefined {
    if (!this.#sdk.isOn) return undefined;
    return new FollowedDispatch(this.#following, { delivery, from: delivery.message.headers });
  }

  /** A bus that delivers its events itself gives one of them, with its headers, to its handlers again. */
  replayed(headers: Headers): DispatchTelemetry | undefined {
    if (!this.#sdk.isOn) return undefined;
    return new FollowedDispatch(this.#following, { delivery: undefined, from: headers as Headers | Context });
  }

  /** A dead letter is handed to its group again, with these headers; to be told of the end. */
  replaying(headers: Record<string, string>, message: Message): FollowedReplay | undefined {
    return this.#sdk.isOn ? new FollowedReplay(this.#following, headers, message) : undefined;
  }

  noticed(kind: string, count: number): void {
    this.#tell((measures) => measures.noticed(kind, count));
  }

  connectFailed(error: unknown): void {
    this.#tell((measures) => measures.connectFailed(error));
  }

  connectionLost(error: unknown): void {
    this.#tell((measures) => measures.connectionLost(error));
  }

  /** To be called when something rare happens: an SDK may have been registered since. */
  look(): void {
    if (!this.#isStopped) this.#sdk.look();
  }

  /** The statistics begin anew right after this. */
  restart(): void {
    this.#tell((measures) => measures.restart());
  }

  stop(): void {
    this.#tell((measures) => measures.stop());
    this.#isStopped = true;
    this.#measures = [];
  }

  get #following(): Following {
    return {
      scope: this.#scope,
      relation: this.#relation,
      tracer: this.#sdk.tracer,
      measures: this.#measures,
    };
  }

  #tell(tell: (measures: Measures) => void): void {
    for (const measures of this.#measures) guarded(this.#scope, () => tell(measures));
  }

  #measureBy(meter: Meter | undefined): void {
    this.#tell((measures) => measures.stop());
    this.#measures = [];
    if (meter === undefined || this.#isStopped) return;
    const made: Measures[] = [new BusMetrics(instrumentsOf(meter), this.#scope, this.#readings)];
    if (this.#kafka !== undefined)
      made.push(new EventSourceMetrics(metrics.getMeter(EVENTSOURCE_SCOPE), this.#scope, this.#kafka));
    this.#measures = made;
  }
}
