import type { HandlerContext } from 'buschart';
import { describe, expect, it } from 'vitest';
import { eventIdOf, eventsOf, type FlightEvent } from '../../examples/flights/events.ts';
import { differences, plainLoop } from '../../examples/flights/expected.ts';
import { readRows } from '../../examples/flights/input.ts';
import { noJournal } from '../../examples/flights/journal.ts';
import { DelayLedger } from '../../examples/flights/ledger.ts';
import { createNotifier } from '../../examples/flights/notifier.ts';
import { AirportProjection } from '../../examples/flights/projection.ts';
import { checkRecords } from '../../examples/flights/records.ts';

const records = checkRecords(await readRows('flights-2k.json'));
const [first] = records;
if (first === undefined) throw new Error('the data set is empty');

describe('the events of a flight', () => {
  it('have the same UUIDs whenever they are made', () => {
    const ids = eventsOf(first).map(({ eventId }) => eventId);
    expect(ids).toEqual(eventsOf(first).map(({ eventId }) => eventId));
    for (const id of ids)
      expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  });

  it('have ids that no other row or kind has', () => {
    const ids = records.flatMap(eventsOf).map(({ eventId }) => eventId);
    expect(new Set(ids).size).toBe(2 * records.length);
    expect(eventIdOf(1, 'FlightArrived')).not.toBe(eventIdOf(1, 'FlightDeparted'));
  });

  it('belong to the airport where they happen, the arrival caused by the departure', () => {
    const [departed, arrived] = eventsOf(first);
    expect(departed).toMatchObject({ eventType: 'FlightDeparted', aggregateId: first.origin });
    expect(arrived).toMatchObject({
      eventType: 'FlightArrived',
      aggregateId: first.destination,
      causationId: departed.eventId,
      correlationId: departed.correlationId,
      occurredAt: first.date,
    });
  });
});

describe('the projection', () => {
  async function project(events: readonly FlightEvent[]): Promise<AirportProjection> {
    const projection = new AirportProjection(noJournal);
    for (const event of events) await projection.handle(event);
    return projection;
  }

  it('equals the plain loop over the file, in any order and with any repeats', async () => {
    const events = records.flatMap(eventsOf);
    const projection = await project([...events.slice(500).reverse(), ...events]);
    expect(differences(projection.airports, plainLoop(records).airports)).toEqual([]);
  });

  it('does not equal it when one event is lost, and the airport is named', async () => {
    const [departed, ...others] = records.flatMap(eventsOf);
    const projection = await project(others);
    const found = differences(projection.airports, plainLoop(records).airports);
    expect(found).toEqual([expect.stringContaining(`${departed?.aggregateId}: `)]);
  });
});

describe('the notifier', () => {
  const [, arrived] = eventsOf({ ...first, delay: 61 });
  function attempts(seed: number, isRepaired = false): Promise<readonly string[]> {
    const notify = createNotifier({
      seed,
      journal: noJournal,
      isRepaired: () => isRepaired,
      onNotified: () => {},
    });
    const runs = Array.from({ length: 40 }, (_, index) =>
      notify(arrived, { attempt: index + 1 } as HandlerContext).then(
        () => 'notified',
        () => 'failed',
      ),
    );
    return Promise.all(runs);
  }

  it('fails now and then, on the same attempts for the same seed', async () => {
    const one = await attempts(1);
    expect(new Set(one)).toEqual(new Set(['notified', 'failed']));
    expect(await attempts(1)).toEqual(one);
    expect(await attempts(2)).not.toEqual(one);
  });

  it('fails no more once repaired', async () => {
    expect(new Set(await attempts(1, true))).toEqual(new Set(['notified']));
  });
});

describe('the ledger', () => {
  const [departed] = eventsOf({ ...first, delay: 241 });

  it('refuses a delay of over four hours for good, until it is repaired', async () => {
    const ledger = new DelayLedger(noJournal);
    await expect(ledger.handle(departed)).rejects.toMatchObject({ name: 'NonRetryableError' });
    ledger.repair();
    await ledger.handle(departed);
    expect([...ledger.accepted]).toEqual([departed.eventId]);
  });
});
