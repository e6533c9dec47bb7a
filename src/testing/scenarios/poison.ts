import { expect } from 'vitest';
import { Counted, counted } from '../counted.ts';
import type { Stage } from '../stage.ts';
import { scenario, type Scenarios } from './scenario.ts';

/** What can't be read stops nobody, and isn't lost. */
export const poisonScenarios: Scenarios = {
  theme: 'Poison (I1)',
  scenarios: () => [
    scenario('stores what is no JSON, empty, or not text at all, and goes on', async (stage) => {
      const bodies = [Buffer.from('{ "half": '), Buffer.alloc(0), Buffer.from([0xff, 0x00, 0xfe, 0x80])];
      const { letters, deadLetters } = await playPoison(stage, Counted.type, bodies);
      expect(letters).toEqual(
        bodies.map((body) => ({ reason: 'decode-failed', body: body.toString('hex') })),
      );
      return { deadLetters };
    }),

    scenario('stores what its schema refuses', async (stage) => {
      const body = Buffer.from(
        JSON.stringify({
          event_id: 'wrong',
          event_type: Counted.type,
          event_version: 1,
          occurred_at: '2026-02-03T04:05:06Z',
          aggregate_id: 'poison-0',
          aggregate_type: Counted.aggregateType,
          aggregate_version: 1,
          correlation_id: 'c',
          metadata: {},
          n: 'not a number',
        }),
      );
      const { letters, deadLetters } = await playPoison(stage, Counted.type, [body]);
      expect(letters).toEqual([{ reason: 'decode-failed', body: body.toString('hex') }]);
      return { deadLetters };
    }),

    scenario('passes over a type that nobody knows', async (stage) => {
      const consumer = await stage.consumer();
      await stage.harness.putRaw(stage.destination, {
        id: 'unknown',
        type: 'NobodyKnows',
        key: 'k',
        headers: {},
        body: Buffer.from('{}'),
      });
      await stage.until(() => consumer.getStats().eventsIgnored === 1, 'it to be ignored');
      await stage.publish(stage.bus(), counted(3));
      await stage.handled(3);
    }),
  ],
};

async function playPoison(stage: Stage, type: string, bodies: readonly Buffer[]) {
  const { group } = stage.destination;
  const consumer = await stage.consumer();
  for (const [index, body] of bodies.entries())
    await stage.harness.putRaw(stage.destination, {
      id: `poison-${index}`,
      type,
      key: `poison-${index}`,
      headers: {},
      body,
    });
  await stage.until(async () => (await consumer.deadLetters.count()) === bodies.length, 'the dead letters');
  await stage.publish(stage.bus(), counted(5));
  await stage.handled(5);
  const found = await consumer.deadLetters.list();
  const letters = found
    .toSorted((a, b) => a.eventId.localeCompare(b.eventId))
    .map(({ reason, body }) => ({ reason, body: Buffer.from(body).toString('hex') }));
  expect(found.map(({ attempts }) => attempts)).toEqual(bodies.map(() => 0));
  expect(consumer.state).toBe('consuming');
  return { letters, deadLetters: { [group]: bodies.length } };
}
