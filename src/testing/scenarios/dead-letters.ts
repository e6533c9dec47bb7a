import { expect } from 'vitest';
import type { BrokerEventBus } from '../../bus/api.ts';
import { Counted, counted } from '../counted.ts';
import type { Stage } from '../stage.ts';
import { scenario, type Scenarios } from './scenario.ts';

/** What is given up on is stored whole, can be looked at, and comes back when it is asked for. */
export const deadLetterScenarios: Scenarios = {
  theme: 'Dead letters (I1, I6)',
  scenarios: () => [
    scenario('keep the original byte for byte, and say why, where and when', async (stage) => {
      const { group } = stage.destination;
      const { consumer } = await failingConsumer(stage);
      const body = new TextEncoder().encode(
        JSON.stringify({
          event_id: 'f1f0a6c3-5b0e-4f66-9d6b-3d7a3f9e0a11',
          event_type: Counted.type,
          event_version: 1,
          occurred_at: '2026-02-03T04:05:06Z',
          aggregate_id: 'key ü',
          aggregate_type: Counted.aggregateType,
          aggregate_version: 1,
          correlation_id: 'correlation-1',
          metadata: {},
          n: 7,
          // A neighbour may say more than we know.
          unknown_to_us: { é: [1.0, '🚆'] },
        }),
      );
      const headers = { traceparent: '00-1-2-01' };
      await stage.harness.putRaw(stage.destination, {
        id: 'f1f0a6c3-5b0e-4f66-9d6b-3d7a3f9e0a11',
        type: Counted.type,
        key: 'key ü',
        headers,
        body,
      });
      await stage.until(async () => (await consumer.deadLetters.count()) === 1, 'the dead letter');
      const [letter] = await consumer.getDlqMessages();
      expect(Buffer.from(letter?.body ?? []).toString()).toBe(Buffer.from(body).toString());
      expect(letter).toMatchObject({
        eventId: 'f1f0a6c3-5b0e-4f66-9d6b-3d7a3f9e0a11',
        eventType: Counted.type,
        aggregateId: 'key ü',
        headers,
        reason: 'attempts-exhausted',
        error: { name: 'TypeError', message: 'broken: 7' },
        failedHandlers: [{ name: 'recorder', reason: 'attempts-exhausted', attempts: 2 }],
        attempts: 2,
        group,
        replayCount: 0,
      });
      expect(letter?.id).toMatch(/^[\w-]{22}$/);
      expect(letter?.error.stack).toContain('broken: 7');
      expect(letter?.position).not.toBe('');
      expect(letter?.destination).toBe((await consumer.getInfo()).destination);
      const { firstFailedAt, lastFailedAt } = letter ?? {};
      expect(lastFailedAt?.getTime()).toBeGreaterThanOrEqual(firstFailedAt?.getTime() ?? Infinity);
      return { maxAttempts: 2, deadLetters: { [group]: 1 } };
    }),

    scenario('come back, one, some and all, to be handled once each', async (stage) => {
      const { consumer, repair } = await failingConsumer(stage);
      await stage.publish(stage.bus(), counted(12));
      await stage.until(async () => (await consumer.deadLetters.count()) === 12, 'the dead letters');
      repair();
      const [first] = await consumer.getDlqMessages({ count: 1 });
      const dry = await stage.settles(consumer.deadLetters.replayAll({}, { dryRun: true }), 'the dry run');
      expect(dry).toEqual({ matched: 12, replayed: 0, failed: [] });
      expect(await stage.settles(consumer.replayDlqMessage(first?.id ?? ''), 'the replay')).toBe(true);
      expect(await stage.settles(consumer.replayDlqMessage(first?.id ?? ''), 'the replay')).toBe(false);
      await stage.handled(1);
      const none = await stage.settles(consumer.deadLetters.replayAll({ eventType: 'Other' }), 'the replay');
      expect(none).toMatchObject({ matched: 0 });
      await stage.settles(consumer.deadLetters.replayAll({ eventType: Counted.type }), 'the replay');
      await stage.handled(12);
      expect(await consumer.deadLetters.count()).toBe(0);
      return { maxAttempts: 2, redeliveries: 12, isOrdered: false };
    }),

    scenario('that fail again are stored again, with the count of their replays', async (stage) => {
      const { consumer } = await failingConsumer(stage);
      const { group } = stage.destination;
      await stage.publish(stage.bus(), counted(1));
      await stage.until(async () => (await consumer.deadLetters.count()) === 1, 'the dead letter');
      const [before] = await consumer.getDlqMessages();
      await stage.settles(consumer.replayDlqMessage(before?.id ?? ''), 'the replay');
      await stage.until(() => consumer.getStats().deadLettered === 2, 'the second dead letter');
      const after = await consumer.getDlqMessages();
      expect(after).toMatchObject([
        {
          eventId: before?.eventId,
          destination: before?.destination,
          position: before?.position,
          replayCount: 1,
        },
      ]);
      return { maxAttempts: 2, deadLetters: { [group]: 1 }, redeliveries: 1, isOrdered: false };
    }),

    scenario('are replayed to the handlers that failed, and to no other', async (stage) => {
      const { recorder, destination } = stage;
      const { consumer, repair } = await failingConsumer(stage);
      const at = { consumer: consumer.label, destination: destination.name };
      consumer.subscribe(Counted, recorder.handler(at), { name: 'steady' });
      await stage.publish(stage.bus(), counted(3));
      await stage.until(async () => (await consumer.deadLetters.count()) === 3, 'the dead letters');
      repair();
      await stage.settles(consumer.deadLetters.replayAll(), 'the replay');
      await stage.until(
        () => recorder.where({ subscription: 'recorder', outcome: 'succeeded' }).length === 3,
        'the replays to be handled',
      );
      expect(recorder.where({ subscription: 'steady' })).toHaveLength(3);
      return { maxAttempts: 2, redeliveries: 3, isOrdered: false };
    }),

    scenario('are listed oldest first, page after page, and purged by a filter', async (stage) => {
      const { group } = stage.destination;
      const { consumer } = await failingConsumer(stage);
      // One key, so that they fail in this order.
      const events = counted(25, { keys: 1 });
      await stage.publish(stage.bus(), events);
      await stage.until(async () => (await consumer.deadLetters.count()) === 25, 'the dead letters');
      const listed: string[] = [];
      for (let after: string | undefined; ;) {
        const page = await consumer.deadLetters.list({
          limit: 10,
          ...(after === undefined ? {} : { after }),
        });
        listed.push(...page.map(({ eventId }) => eventId));
        after = page.at(-1)?.cursor;
        if (page.length < 10) break;
      }
      expect(listed).toEqual(events.map(({ eventId }) => eventId));
      expect(await consumer.deadLetters.purge({ reason: 'decode-failed' })).toBe(0);
      expect(await consumer.deadLetters.purge({ group: 'nobody' })).toBe(0);
      expect(await consumer.deadLetters.count({ reason: 'attempts-exhausted' })).toBe(25);
      return { maxAttempts: 2, deadLetters: { [group]: 25 } };
    }),

    scenario(
      'are left out where they are switched off: counted as dropped, and acknowledged',
      async (stage) => {
        const consumer = await stage.consumer({
          options: { enableDlq: false, retry: { maxRetries: 0 } },
          handle: () => {
            throw new Error('broken');
          },
        });
        const events = counted(4);
        stage.expectPublished(events);
        await stage.settles(consumer.publish(events), 'the publish to settle');
        await stage.until(() => consumer.getStats().dropped === 4, 'four to be dropped');
      },
    ),
  ],
};

async function failingConsumer(
  stage: Stage,
): Promise<{ readonly consumer: BrokerEventBus & { readonly label: string }; repair(): void }> {
  let isRepaired = false;
  const consumer = await stage.consumer({
    options: { retry: { maxRetries: 1 } },
    handle: (event) => {
      if (!isRepaired) throw new TypeError(`broken: ${event.n}`);
    },
  });
  return { consumer, repair: () => (isRepaired = true) };
}
