import { hash } from 'node:crypto';
import { defineEvent, type EventOf } from 'buschart';
import { z } from 'zod';
import type { FlightRecord } from './records.ts';

const flight = z.object({
  row: z.int(),
  origin: z.string(),
  destination: z.string(),
  delayMinutes: z.int(),
  distanceMiles: z.int(),
});

/** A flight left its origin, which is the aggregate. */
export const FlightDeparted = defineEvent({
  type: 'FlightDeparted',
  aggregateType: 'Airport',
  schema: flight,
});
/** A flight reached its destination, which is the aggregate. */
export const FlightArrived = defineEvent({ type: 'FlightArrived', aggregateType: 'Airport', schema: flight });

export type FlightDeparted = EventOf<typeof FlightDeparted>;
export type FlightArrived = EventOf<typeof FlightArrived>;
export type FlightEvent = FlightDeparted | FlightArrived;

/** The two events of a record, in the order in which they happened. */
export function eventsOf(record: FlightRecord): [FlightDeparted, FlightArrived] {
  const { row, origin, destination, delay: delayMinutes, distance: distanceMiles } = record;
  const departedId = eventIdOf(row, 'FlightDeparted');
  const payload = { row, origin, destination, delayMinutes, distanceMiles };
  const common = { ...payload, occurredAt: record.date, correlationId: departedId };
  return [
    FlightDeparted({ ...common, eventId: departedId, aggregateId: origin }),
    FlightArrived({
      ...common,
      eventId: eventIdOf(row, 'FlightArrived'),
      aggregateId: destination,
      causationId: departedId,
    }),
  ];
}

/** The same row and kind give the same UUID (version 8: ours to define), so that a repeated run repeats the ids. */
export function eventIdOf(row: number, kind: 'FlightDeparted' | 'FlightArrived'): string {
  const digest = hash('sha256', `${row}:${kind}`);
  const variant = ((Number.parseInt(digest.charAt(16), 16) & 0b0011) | 0b1000).toString(16);
  return [
    digest.slice(0, 8),
    digest.slice(8, 12),
    `8${digest.slice(13, 16)}`,
    `${variant}${digest.slice(17, 20)}`,
    digest.slice(20, 32),
  ].join('-');
}
