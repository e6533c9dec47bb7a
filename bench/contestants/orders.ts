import { randomUUID } from 'node:crypto';
import { defineEvent } from 'buschart';
import { z } from 'zod';

/** The event of every row. Its body takes about 390 bytes, and most of them are the envelope with its three UUIDs. */
export const OrderPlaced = defineEvent({
  type: 'OrderPlaced',
  aggregateType: 'Order',
  schema: z.object({ index: z.int(), customerId: z.string() }),
});

export type Order = ReturnType<typeof OrderPlaced>;

const AGGREGATES = Array.from({ length: 1000 }, () => randomUUID());

/** Orders numbered from 0, of a thousand aggregates in turn. */
export function placeOrders(count: number): Order[] {
  return Array.from({ length: count }, (_, index) =>
    OrderPlaced({
      aggregateId: AGGREGATES[index % AGGREGATES.length] as string,
      index,
      customerId: `customer-${index % 500}`,
    }),
  );
}

/** The fields of its stream entry, as the bus writes them and as one writes them by hand. */
export function wireFields(order: Order): string[] {
  const time = order.occurredAt.toISOString().replace('.000Z', '').replace('Z', '000');
  const body = {
    event_id: order.eventId,
    event_type: order.eventType,
    event_version: order.eventVersion,
    occurred_at: `${time}Z`,
    aggregate_id: order.aggregateId,
    aggregate_type: order.aggregateType,
    aggregate_version: order.aggregateVersion,
    tenant_id: null,
    actor_id: null,
    correlation_id: order.correlationId,
    causation_id: null,
    metadata: {},
    index: order.index,
    customerId: order.customerId,
  };
  return [
    ...['event_id', order.eventId, 'event_type', order.eventType, 'aggregate_id', order.aggregateId],
    ...['aggregate_type', order.aggregateType, 'tenant_id', '', 'occurred_at', `${time}+00:00`],
    ...['payload', JSON.stringify(body)],
  ];
}
