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

/** The JSON body, as the bus writes it and as one writes it by hand. */
export function bodyOf(order: Order): string {
  return JSON.stringify({
    event_id: order.eventId,
    event_type: order.eventType,
    event_version: order.eventVersion,
    occurred_at: `${timeOf(order)}Z`,
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
  });
}

/** What stands beside the body on every broker. */
export function headersOf(order: Order) {
  return {
    event_type: order.eventType,
    aggregate_id: order.aggregateId,
    aggregate_type: order.aggregateType,
  };
}

/** In microseconds, as eventsource-py writes it. */
export const timeOf = ({ occurredAt }: Order): string =>
  occurredAt.toISOString().replace('.000Z', '').replace('Z', '000');
