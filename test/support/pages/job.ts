import { setTimeout as delay } from 'node:timers/promises';
import { defineEvent, EventRegistry, InMemoryEventBus, MemoryBroker, NonRetryableError } from 'buschart';
import { z } from 'zod';

const registry = new EventRegistry();
const schema = z.object({ origin: z.string(), destination: z.string(), delayMinutes: z.int() });
const FlightDeparted = defineEvent({ type: 'FlightDeparted', aggregateType: 'Flight', registry, schema });
const FlightArrived = defineEvent({ type: 'FlightArrived', aggregateType: 'Flight', registry, schema });

const silent = (): void => undefined;
const AIRPORTS = ['ABQ', 'BNA', 'DAL', 'HOU', 'LAX', 'MDW', 'OAK', 'PHX'];

/** Something to look at: flights with handlers that are slow, that fail now and then, and that fail for good. */
export function busyBus() {
  const broker = new MemoryBroker();
  const bus = new InMemoryEventBus({
    broker,
    registry,
    consumerGroup: 'flights',
    retry: { maxRetries: 3, baseDelayMs: 1500, maxDelayMs: 6000 },
    logger: { debug: silent, info: silent, warn: silent, error: silent },
  });
  let notified = 0;
  bus.subscribe([FlightDeparted, FlightArrived], () => undefined, { name: 'AirportProjection' });
  bus.subscribe(
    FlightArrived,
    async (event) => {
      await delay(5);
      if (event.delayMinutes > 120 && notified++ % 3 !== 0)
        throw new Error(`The mail server answered 451 for ${event.destination}: try again later`);
    },
    { name: 'notifyLongDelay' },
  );
  bus.subscribe(
    FlightDeparted,
    (event) => {
      if (event.delayMinutes > 150)
        throw new NonRetryableError(`A departure ${event.delayMinutes} minutes late can't be booked`);
    },
    { name: 'DelayLedger' },
  );
  bus.subscribeToAllEvents(() => undefined, { name: 'AuditLog' });
  let flight = 0;
  const publishSome = async (count: number): Promise<void> => {
    const events = Array.from({ length: count }, () => {
      const number = flight++;
      const define = number % 2 === 0 ? FlightDeparted : FlightArrived;
      return define({
        aggregateId: `WN-${1000 + (number % 500)}`,
        origin: AIRPORTS[number % AIRPORTS.length] as string,
        destination: AIRPORTS[(number * 3 + 1) % AIRPORTS.length] as string,
        delayMinutes: number % 97 === 0 ? 160 : number % 41 === 0 ? 130 : number % 60,
      });
    });
    await bus.publish(events, { background: true });
  };
  return { bus, publishSome };
}
