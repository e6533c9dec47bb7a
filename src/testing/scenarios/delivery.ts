import { expect } from 'vitest';
import { consumerOf } from '../../bus/states.ts';
import { Counted, counted, Noted, type CountedEvent } from '../counted.ts';
import type { Destination } from '../harness.ts';
import { scenario, type Scenarios } from './scenario.ts';

/** What is published arrives, whole, once, and nowhere else. */
export const deliveryScenarios: Scenarios = {
  theme: 'Delivery (I2, I6)',
  scenarios: ({ abilities }) => [
    scenario('hands over an event as it was published, whatever its text', async (stage) => {
      const got: CountedEvent[] = [];
      const consumer = await stage.consumer({ handle: (event) => void got.push(event) });
      const texts = ['', 'plain', 'Zürich 東京 🚆 \u0000\u2028"\\', 'x'.repeat(512 * 1024)];
      const sent = texts.map((text, n) =>
        Counted({
          aggregateId: `key-${n} ü`,
          n,
          text,
          tenantId: 'tenant-1',
          actorId: 'actor-1',
          causationId: 'cause-1',
          metadata: { nested: { list: [1, null, 'é'] } },
          occurredAt: new Date(Date.UTC(2026, 1, 3, 4, 5, 6, n)),
        }),
      );
      await stage.publish(consumer, sent);
      await stage.handled(sent.length);
      const byNumber = got.toSorted((a, b) => a.n - b.n);
      expect(byNumber.map((event) => ({ ...event }))).toEqual(sent.map((event) => ({ ...event })));
    }),

    scenario('takes single events and lists alike', async (stage, size) => {
      const consumer = await stage.consumer();
      const events = counted(100 * size);
      for (const event of events.slice(0, 20)) await stage.publish(consumer, event);
      await stage.publish(consumer, events.slice(20));
      await stage.publish(consumer, []);
      await stage.handled(events.length);
    }),

    scenario('shares the events of many publishers among the consumers of one group', async (stage, size) => {
      const handle = () => stage.work(2);
      const consumers = [];
      for (let i = 0; i < 4; i++)
        consumers.push(await stage.consumer({ handle, options: { concurrency: 5 } }));
      const publisher = stage.bus();
      const lists = Array.from({ length: 10 }, () => counted(50 * size));
      await Promise.all(lists.map((list) => stage.publish(publisher, list)));
      await stage.handled(500 * size);
      const shares = consumers.map(({ label }) => stage.recorder.handled({ consumer: label }).size);
      expect(Math.min(...shares), `every consumer's share: ${shares.join(', ')}`).toBeGreaterThan(0);
    }),

    scenario('keeps destinations apart', async (stage, size) => {
      const destinations: Destination[] = Array.from({ length: 4 }, (_, i) =>
        stage.newDestination(`apart${i}`),
      );
      for (const [i, destination] of destinations.entries()) {
        const consumer = await stage.consumer({ destination, name: `of-${i}` });
        await stage.publish(consumer, counted(20 * size), { destination });
      }
      await stage.handled(80 * size);
      const shares = destinations.map(({ name }) => stage.recorder.handled({ destination: name }).size);
      expect(shares).toEqual(destinations.map(() => 20 * size));
    }),

    scenario(
      'hands a handler the types it subscribed to, and counts the others as ignored',
      async (stage) => {
        const consumer = await stage.consumer();
        const wanted = counted(10);
        await stage.publish(consumer, wanted);
        const unwanted = Array.from({ length: 5 }, (_, n) => Noted({ aggregateId: `other-${n}`, n }));
        await stage.settles(consumer.publish(unwanted), 'the publish to settle');
        await stage.until(() => consumer.getStats().eventsIgnored === 5, 'five events to be ignored');
        expect(new Set(stage.recorder.attempts.map(({ type }) => type))).toEqual(new Set([Counted.type]));
        await stage.handled(10);
      },
    ),

    scenario('gives dead letters of what nobody wants, if it is told so', async (stage) => {
      const { group } = stage.destination;
      const consumer = await stage.consumer({ options: { onUnwanted: 'dead-letter' } });
      await stage.publish(consumer, [Noted({ aggregateId: 'one', n: 1 })]);
      const count = () => consumer.deadLetters.count();
      await stage.until(async () => (await count()) === 1, 'the dead letter');
      expect(await consumer.getDlqMessages()).toMatchObject([{ reason: 'unwanted', attempts: 0 }]);
      return { deadLetters: { [group]: 1 } };
    }),

    scenario('hands on what a handler publishes, with its cause', async (stage) => {
      const followers: CountedEvent[] = [];
      const consumer = await stage.consumer({
        handle: async (event, context) => {
          if (event.n > 0) {
            followers.push(event);
            return;
          }
          const next = Counted({ aggregateId: event.aggregateId, n: event.n + 1 });
          stage.expectPublished([next]);
          await context.publish(next);
        },
      });
      const first = Counted({ aggregateId: 'cause', n: 0 });
      await stage.publish(consumer, first);
      await stage.handled(2);
      expect(followers).toMatchObject([{ causationId: first.eventId, correlationId: first.correlationId }]);
    }),

    scenario('never rejects a publish because a handler takes its time, or fails', async (stage) => {
      const consumer = await stage.consumer({
        options: { publishTimeoutMs: 150, retry: { maxRetries: 0 } },
        handle: async (event) => {
          await stage.work(400);
          if (event.n === 0) throw new Error('broken');
        },
      });
      await stage.publish(consumer, counted(2));
      await stage.handled(1);
      return { deadLetters: { [stage.destination.group]: 1 } };
    }),

    scenario('counts what it did in its statistics', async (stage) => {
      const consumer = await stage.consumer();
      const events = counted(10);
      await stage.publish(consumer, events);
      await stage.handled(10);
      await stage.settles(consumer.idle(), 'the bus to be idle');
      expect(consumer.getStats()).toMatchObject({
        eventsPublished: 10,
        eventsConsumed: 10,
        handlersInvoked: 10,
        handlerErrors: 0,
        retries: 0,
        deadLettered: 0,
        inFlight: 0,
      });
    }),

    scenario(
      'holds no more deliveries than its window, and runs no more than it may',
      async (stage, size) => {
        const { harness, recorder } = stage;
        const limit = 10;
        const consumer = await stage.consumer({
          options: { concurrency: limit },
          handle: () => stage.work(1),
        });
        const publisher = stage.bus();
        const most = harness.window * (harness.windows ?? 1);
        const part = most + 2 * harness.window;
        const total = part * size;
        for (let published = 0; published < total; published += part)
          await stage.publish(publisher, counted(part));
        await stage.until(async () => {
          const inHand = consumerOf(consumer.actor.getSnapshot())?.context.flow.open;
          expect(inHand).toBeLessThanOrEqual(most);
          // Beside what is in hand, acknowledgements may be on their way.
          const pending = await harness.probe.pending(stage.destination, stage.destination.group);
          expect(pending).toBeLessThanOrEqual(2 * most);
          return recorder.handled().size === total;
        }, 'all to be handled');
        expect(mostAtOnce(recorder.attempts)).toBe(limit);
        expect(consumer.state).toBe('consuming');
      },
    ),

    ...(abilities.consumesByItself
      ? []
      : [
          scenario('pulls nothing before it is told to consume', async (stage) => {
            await stage.foundGroup();
            const bus = stage.bus({ consumerGroup: stage.destination.group });
            await stage.publish(bus, counted(3));
            expect(bus.state).toBe('connected');
            expect(await stage.harness.probe.pending(stage.destination, stage.destination.group)).toBe(0);
            await stage.consumer();
            await stage.handled(3);
          }),
        ]),
  ],
};

/** From the running numbers of starts and ends. */
function mostAtOnce(
  attempts: readonly { readonly start: number; readonly end: number | undefined }[],
): number {
  const moments = attempts.flatMap(({ start, end = Infinity }) => [
    { at: start, change: 1 },
    { at: end, change: -1 },
  ]);
  let now = 0;
  let most = 0;
  for (const { change } of moments.toSorted((a, b) => a.at - b.at)) most = Math.max(most, (now += change));
  return most;
}
