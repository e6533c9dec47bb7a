import { afterEach, beforeEach, describe, expect, inject, it } from 'vitest';
import { VirtualClock } from '../../../src/testing/clock.ts';
import { notedWarnings } from '../../support/noted-warnings.ts';
import { eventually, Placed, Rig } from './rig.ts';

const rabbitmqUrl = inject('rabbitmqUrl');
const HALF_A_MINUTE_MS = 30_000;

describe.skipIf(rabbitmqUrl === undefined)(
  'a consumer that is given nothing though its queue has more',
  () => {
    let rig: Rig;
    beforeEach(() => {
      rig = new Rig(rabbitmqUrl!);
    });
    afterEach(() => rig.close());

    it('reads anew and says so, until something comes', async () => {
      // Of such a queue one consumer has everything, and the broker doesn't tell the others.
      const queue = rig.queue('g');
      await rig.raw(async (channel) => {
        await channel.assertExchange(rig.exchange, 'topic', { durable: true });
        await channel.assertQueue(queue, {
          durable: true,
          arguments: { 'x-queue-type': 'quorum', 'x-single-active-consumer': true },
        });
        await channel.assertQueue(`${queue}.dlq`, { durable: true });
        await channel.bindQueue(queue, rig.exchange, '#');
      });
      const options = { consumerGroup: 'g', declare: 'passive', prefetchCount: 1 } as const;
      const first = rig.bus(options);
      let begun = 0;
      first.subscribe(Placed, (_, { signal }) => {
        begun++;
        return new Promise((_resolve, reject) =>
          signal.addEventListener('abort', () => reject(signal.reason as Error)),
        );
      });
      await first.startConsumingInBackground();

      const clock = new VirtualClock();
      const { logger, warnings } = notedWarnings();
      const stalls = () => warnings.filter(({ kind }) => kind === 'stalled').length;
      const second = rig.bus({ ...options, clock, logger });
      const seen: number[] = [];
      second.subscribe(Placed, ({ n }) => void seen.push(n));
      await second.startConsumingInBackground();

      await rig.bus().publish([1, 2, 3].map((n) => Placed({ aggregateId: 'a', n })));
      await eventually(
        () => begun,
        (count) => count === 1,
      );
      expect(await second.healthCheck()).toMatchObject({ status: 'healthy', ready: true });
      await clock.advance(HALF_A_MINUTE_MS);
      await eventually(stalls, (count) => count === 1);
      await eventually(
        () => second.healthCheck(),
        ({ conditions }) => conditions.join() === 'stalled',
      );
      expect(await second.healthCheck()).toMatchObject({ status: 'degraded', live: true, ready: false });

      await first.shutdown({ timeoutMs: 0 });
      await eventually(
        () => seen.length,
        (count) => count === 3,
      );
      await clock.advance(HALF_A_MINUTE_MS);
      await eventually(
        () => second.healthCheck(),
        ({ status }) => status === 'healthy',
      );
      expect(stalls()).toBe(1);
    });
  },
);
