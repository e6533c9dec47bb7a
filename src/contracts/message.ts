/** Text headers beside a message: lower-case ASCII names. */
export type Headers = Readonly<Record<string, string>>;

/**
 * One encoded event as a broker carries it. A transport never looks into the body; it writes those
 * attributes that its wire format repeats outside of it.
 */
export interface Message {
  /** Event id; the same through retries, dead-lettering and replay. */
  readonly id: string;
  /** Event type; empty when what came from the broker names none. */
  readonly type: string;
  /** Ordering key, the aggregate id: equal keys are delivered in publish order. */
  readonly key: string;
  readonly attributes: MessageAttributes;
  /** User headers and ours (`x-…`), without the attributes. */
  readonly headers: Headers;
  /** JSON text; raw bytes where they aren't valid UTF-8 or the driver hands bytes out. */
  readonly body: string | Uint8Array;
}

/** What a span says of a message, by OpenTelemetry's names. */
export type SpanAttributes = Readonly<Record<string, string | number>>;

/** Envelope values repeated outside the body, in wire spelling; absent when what was read lacks them. */
export interface MessageAttributes {
  readonly aggregateType?: string;
  readonly aggregateVersion?: number;
  /** ISO 8601 with `+00:00` and 0 or 6 fraction digits, as eventsource-py writes it outside the body. */
  readonly occurredAt?: string;
  readonly tenantId?: string;
  readonly actorId?: string;
  readonly correlationId?: string;
  readonly causationId?: string;
}
