/** Of the event `Placed` of the tests of a broker, what stands in its message. */
export interface PlacedFacts {
  readonly eventId: string;
  readonly aggregateId: string;
  readonly occurredAt: Date;
  readonly correlationId: string;
  readonly n: number;
}

/** Its body as eventsource-py, or any other program that speaks its format, would write it as JSON. */
export const placedBody = ({ eventId, aggregateId, occurredAt, correlationId, n }: PlacedFacts) => ({
  event_id: eventId,
  event_type: 'Placed',
  event_version: 1,
  occurred_at: occurredAt.toISOString(),
  aggregate_id: aggregateId,
  aggregate_type: 'Order',
  aggregate_version: 1,
  tenant_id: null,
  actor_id: null,
  correlation_id: correlationId,
  causation_id: null,
  metadata: {},
  n,
});
