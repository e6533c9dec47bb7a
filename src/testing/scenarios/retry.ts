import { expect } from 'vitest';
import { NonRetryableError } from '../../errors.ts';
import { Counted, counted } from '../counted.ts';
import { scenario, type Scenarios } from './scenario.ts';

/** Only what failed runs again, as often as the policy says. */
export const retryScenarios: Scenarios = {
  theme: 'Retry (I1, I4)',
  scenarios: () => [
    scenario('runs a handler that fails twice exactly three times', async (stage, size) => {
      await stage.consumer({
        handle: (_event, { attempt }) => {
          if (attempt < 3) throw new Error('not yet');
        },
      });
      const events = counted(50 * size);
      await stage.publish(stage.bus(), events);
      await stage.handled(events.length);
      for (const { eventId } of events)
        expect(stage.recorder.where({ id: eventId }).map(({ attempt }) => attempt)).toEqual([1, 2, 3]);
      return { maxAttempts: 3 };
    }),

    scenario('handles after many failures what may be retried often enough', async (stage, size) => {
      await stage.consumer({
        options: { retry: { maxRetries: 50 } },
        handle: (_event, { attempt }) => {
          if (attempt <= 10) throw new Error('not yet');
        },
      });
      await stage.publish(stage.bus(), counted(20 * size));
      await stage.handled(20 * size);
      return { maxAttempts: 11 };
    }),

    scenario('gives up after the attempts that it has, and stores each once', async (stage, size) => {
      const { group } = stage.destination;
      const total = 50 * size;
      const consumer = await stage.consumer({
        options: { retry: { maxRetries: 4 } },
        handle: () => {
          throw new Error('never');
        },
      });
      await stage.publish(stage.bus(), counted(total));
      await stage.until(async () => (await consumer.deadLetters.count()) === total, 'the dead letters');
      expect(stage.recorder.attempts).toHaveLength(5 * total);
      expect(consumer.getStats()).toMatchObject({ deadLettered: total, retries: 4 * total });
      return { maxAttempts: 5, deadLetters: { [group]: total } };
    }),

    scenario('does not run again a handler that succeeded beside one that failed', async (stage) => {
      const { recorder, destination } = stage;
      const consumer = await stage.consumer({
        handle: (_event, { attempt }) => {
          if (attempt < 3) throw new Error('not yet');
        },
      });
      const at = { consumer: consumer.label, destination: destination.name };
      consumer.subscribe(Counted, recorder.handler(at), { name: 'steady' });
      consumer.subscribeToAllEvents(recorder.handler(at), { name: 'audit' });
      await stage.publish(stage.bus(), counted(10));
      await stage.until(() => recorder.where({ outcome: 'succeeded' }).length === 30, 'all three handlers');
      expect(recorder.where({ subscription: 'steady' })).toHaveLength(10);
      expect(recorder.where({ subscription: 'audit' })).toHaveLength(10);
      return { maxAttempts: 3 };
    }),

    scenario('decides by the error: never again, again, or drop', async (stage) => {
      const { group } = stage.destination;
      const consumer = await stage.consumer({
        options: {
          retry: {
            maxRetries: 2,
            classify: (error) =>
              (error as Error).message === 'refuse'
                ? 'dead-letter'
                : (error as Error).message === 'drop'
                  ? 'drop'
                  : undefined,
          },
        },
        handle: (event, { attempt }) => {
          if (event.text === 'final') throw new NonRetryableError('final');
          if (event.text !== 'later' || attempt < 2) throw new Error(event.text);
        },
      });
      const texts = ['refuse', 'final', 'drop', 'later', 'never'];
      const events = texts.map((text, n) => Counted({ aggregateId: text, n, text }));
      await stage.publish(stage.bus(), events);
      await stage.until(async () => (await consumer.deadLetters.count()) === 3, 'the dead letters');
      await stage.handled(1);
      await stage.until(() => consumer.getStats().inFlight === 0, 'everything to be settled');
      const letters = await consumer.getDlqMessages();
      expect(
        Object.fromEntries(
          letters.map(({ aggregateId, reason, attempts }) => [aggregateId, { reason, attempts }]),
        ),
      ).toEqual({
        refuse: { reason: 'not-retryable', attempts: 1 },
        final: { reason: 'not-retryable', attempts: 1 },
        never: { reason: 'attempts-exhausted', attempts: 3 },
      });
      const attempts = (key: string) => stage.recorder.where({ key }).length;
      expect(texts.map(attempts)).toEqual([1, 1, 1, 2, 3]);
      return { maxAttempts: 3, deadLetters: { [group]: 3 }, givenUp: 1 };
    }),

    scenario('aborts the signal of a handler that takes too long, and tries again', async (stage) => {
      const reasons: string[] = [];
      await stage.consumer({
        timeoutMs: 100,
        handle: async (_event, { attempt, signal }) => {
          if (attempt > 1) return;
          await stage.work(60_000, signal).catch((error: Error) => {
            reasons.push(error.name);
            throw error;
          });
        },
      });
      await stage.publish(stage.bus(), counted(1));
      await stage.handled(1);
      expect(reasons).toEqual(['HandlerTimeoutError']);
      return { maxAttempts: 2 };
    }),

    scenario('does not abort the signal of a handler that ended in time', async (stage) => {
      const signals: AbortSignal[] = [];
      const consumer = await stage.consumer({ handle: (_event, { signal }) => void signals.push(signal) });
      await stage.publish(stage.bus(), counted(3));
      await stage.handled(3);
      await stage.settles(consumer.shutdown(), 'the bus to stop');
      expect(signals.map(({ aborted }) => aborted)).toEqual([false, false, false]);
    }),

    scenario(
      'cancels the retries of a handler that is unsubscribed, and goes on with the next',
      async (stage) => {
        const { recorder, destination } = stage;
        const consumer = await stage.consumer({ handle: null });
        const at = { consumer: consumer.label, destination: destination.name };
        const failing = consumer.subscribe(
          Counted,
          recorder.handler(at, () => {
            throw new Error('never');
          }),
          { name: 'failing', retry: { maxRetries: 1000, baseDelayMs: 60_000, maxDelayMs: 60_000 } },
        );
        const first = counted(5);
        await stage.publish(stage.bus(), first);
        await stage.until(() => recorder.where({ outcome: 'failed' }).length === 5, 'the first attempts');
        failing.unsubscribe();
        await stage.settles(consumer.idle(), 'the cancelled retries to be settled');
        consumer.subscribe(Counted, recorder.handler(at), { name: 'good' });
        await stage.publish(consumer, counted(20));
        await stage.handled(20);
        expect(recorder.where({ subscription: 'failing' })).toHaveLength(5);
        // Their one handler is gone: given up, and no dead letters.
        return { givenUp: 5 };
      },
    ),
  ],
};
