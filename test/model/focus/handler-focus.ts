import { every } from '../../support/chart-coverage.ts';
import { describe, expect, it } from 'vitest';
import { createActor } from 'xstate';
import { subscriptionMachine } from '../../../machines/index.ts';
import type { InspectionObserver, Subscription } from '../../../src/index.ts';
import { gate, memoryBus, ping, Pinged, settle } from '../../support/memory-bus.ts';
import { scriptedBus } from '../../support/scripted-broker.ts';

const stateOf = ({ actor }: Subscription): unknown => actor.getSnapshot().value;

/** What no path of the model leads to: one subscription paused, ended or broken beside others. */
export function handlerFocus(inspect: InspectionObserver): void {
  describe('a subscription', () => {
    it('keeps what is delivered while it is paused, and has it handled when it resumes', async () => {
      const seen: number[] = [];
      const { bus, clock } = memoryBus({ inspect: every(inspect) });
      const subscription = bus.subscribe(Pinged, ({ n }) => void seen.push(n));
      subscription.pause();
      void bus.publish(ping(1));
      await settle(clock);
      expect([stateOf(subscription), seen]).toEqual(['paused', []]);
      subscription.resume();
      await settle(clock);
      expect([stateOf(subscription), seen]).toEqual(['consuming', [1]]);
    });

    it.each([
      ['with one that runs and one held, which is refused', [0, 1], [0]],
      ['with one held, which is refused', [1], []],
      ['with nothing in hand', [], []],
    ])('may end while it is paused: %s', async (_, published, handled) => {
      const seen: number[] = [];
      const running = gate();
      const { bus, clock } = memoryBus({ inspect: every(inspect) });
      const subscription = bus.subscribe(Pinged, async ({ n }) => {
        seen.push(n);
        await running.promise;
      });
      if (published.includes(0)) void bus.publish(ping(0));
      subscription.pause();
      if (published.includes(1)) void bus.publish(ping(1));
      subscription.unsubscribe();
      await settle(clock);
      running.open();
      await settle(clock);
      expect(seen).toEqual(handled);
      expect(bus.getStats().inFlight).toBe(0);
      expect(subscription.actor.getSnapshot().status).toBe('done');
    });

    it('lets its running attempt end when it is unsubscribed, and takes no more', async () => {
      const running = gate();
      const { bus, clock } = memoryBus({ inspect: every(inspect) });
      const subscription = bus.subscribe(Pinged, () => running.promise);
      void bus.publish(ping());
      await settle(clock);
      const handler = subscription.actor.getSnapshot().children.handler!;
      subscription.unsubscribe();
      expect(stateOf(subscription)).toBe('draining');
      const refused: string[] = [];
      handler.send({
        type: 'deliver',
        attempt: 1,
        dispatch: { isOver: false, handlerSucceeded: (name: string) => refused.push(name) },
      } as never);
      subscription.actor.send({ type: 'drain' });
      expect(refused).toHaveLength(1);
      running.open();
      await settle(clock);
      expect(subscription.actor.getSnapshot().status).toBe('done');
    });

    it('may be paused before it consumes, while it retries and while it stores a dead letter', async () => {
      const subscriptions: Subscription[] = [];
      const { bus, broker, clock } = await scriptedBus(
        (made) => {
          const subscription = made.subscribe(
            Pinged,
            () => {
              throw new Error('broken');
            },
            { retry: { maxRetries: 1, baseDelayMs: 100 } },
          );
          subscription.pause();
          expect(stateOf(subscription)).toBe('paused');
          subscription.resume();
          subscriptions.push(subscription);
        },
        { inspect: every(inspect) },
      );
      const [subscription] = subscriptions as [Subscription];
      const seen: unknown[] = [];
      const pauseNow = (): void => {
        seen.push(stateOf(subscription));
        subscription.pause();
        subscription.resume();
        seen.push(stateOf(subscription));
      };
      const store = gate();
      const first = broker.deliver(ping(1, 'a'));
      Object.assign(first, { deadLetter: () => store.promise });
      await settle(clock);
      pauseNow();
      await clock.advance(100);
      pauseNow();
      // Another waits for its retry when the first one's dead letter is stored, and the other way round.
      broker.deliver(ping(2, 'b'));
      await settle(clock);
      store.open();
      await settle(clock);
      seen.push(stateOf(subscription));
      await clock.advance(1000);
      expect(seen).toEqual(['retrying', 'retrying', 'deadLettering', 'deadLettering', 'retrying']);
      expect([stateOf(subscription), bus.getStats().deadLettered]).toEqual(['consuming', 2]);
    });

    it('stores a dead letter while another delivery still retries, and shows the worse of the two', async () => {
      const store = gate();
      const { bus, broker, clock } = await scriptedBus(
        (made) =>
          made.subscribe(
            Pinged,
            () => {
              throw new Error('broken');
            },
            { name: 'h', retry: { maxRetries: 1, baseDelayMs: 100 } },
          ),
        { inspect: every(inspect) },
      );
      const states: unknown[] = [];
      const subscription = bus.actor.getSnapshot().children['subscription.0'] as Subscription['actor'];
      subscription.subscribe(({ value }) => void (states.at(-1) === value || states.push(value)));
      Object.assign(broker.deliver(ping(1, 'a')), { deadLetter: () => store.promise });
      await clock.advance(50);
      broker.deliver(ping(2, 'b'));
      await clock.advance(60);
      expect(states.slice(-2)).toEqual(['retrying', 'deadLettering']);
      store.open();
      await clock.advance(100);
      expect(bus.getStats().deadLettered).toBe(2);
    });

    it('is over when its handler actor breaks', () => {
      const actor = createActor(subscriptionMachine, {
        inspect,
        input: {
          name: 'h',
          eventTypes: undefined,
          isConsumerReady: true,
          handler: { subscription: 'h', timeoutMs: 0, abortGraceMs: 0 },
        },
      } as never).start();
      actor.getSnapshot().children.handler?.send({ type: 'deliver', dispatch: undefined } as never);
      expect(actor.getSnapshot().status).toBe('done');
    });
  });
}
