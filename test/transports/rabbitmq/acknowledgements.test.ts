import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Acknowledgements } from '../../../src/transports/rabbitmq/acknowledgements.ts';
import { runSeed } from '../../support/seed.ts';

const DELIVERIES = 60;

describe('acknowledgements of one channel', () => {
  it('cover everything settled and nothing else, in whatever order and bursts', () => {
    const bursts = fc.array(fc.integer({ min: 1, max: 9 }), { minLength: DELIVERIES, maxLength: DELIVERIES });
    const order = fc.shuffledSubarray(
      Array.from({ length: DELIVERIES }, (_, at) => at + 1),
      { minLength: 0, maxLength: DELIVERIES },
    );
    fc.assert(
      fc.property(order, bursts, (tags, sizes) => {
        const settled = new Set<number>();
        const acknowledged = new Set<number>();
        const acks = new Acknowledgements({
          ack({ fields: { deliveryTag } }, isUpTo) {
            const from = isUpTo === true ? 1 : deliveryTag;
            // A broker ends the channel of whoever acknowledges one tag twice.
            expect(acknowledged.has(deliveryTag)).toBe(false);
            for (let tag = from; tag <= deliveryTag; tag++) acknowledged.add(tag);
          },
        });
        for (const [at, size] of sizes.entries()) {
          const first = sizes.slice(0, at).reduce((sum, one) => sum + one, 0);
          for (const tag of tags.slice(first, first + size)) {
            settled.add(tag);
            acks.add(tag);
          }
          acks.flush();
          expect(acknowledged).toEqual(settled);
        }
      }),
      { seed: runSeed() },
    );
  });

  it('are one frame for a burst without gaps', () => {
    const frames: [tag: number, isUpTo: boolean][] = [];
    const acks = new Acknowledgements({
      ack: ({ fields: { deliveryTag } }, isUpTo = false) => void frames.push([deliveryTag, isUpTo]),
    });
    for (const tag of [3, 1, 2, 5]) acks.add(tag);
    acks.flush();
    acks.add(4);
    acks.flush();
    expect(frames).toEqual([
      [3, true],
      [5, false],
      [4, true],
    ]);
  });

  it('cost what is new, however much was settled behind one that is still open', () => {
    const frames: [tag: number, isUpTo: boolean][] = [];
    const acks = new Acknowledgements({
      ack: ({ fields: { deliveryTag } }, isUpTo = false) => void frames.push([deliveryTag, isUpTo]),
    });
    /** CPU time of tags that are each flushed alone, as those of a handler that takes a moment are. */
    const cost = (from: number, to: number): number => {
      const { user, system } = process.cpuUsage();
      for (let tag = from; tag < to; tag++) {
        acks.add(tag);
        acks.flush();
      }
      const after = process.cpuUsage();
      return after.user + after.system - user - system;
    };
    cost(2, 2000);
    const early = cost(2000, 12_000);
    cost(12_000, 90_000);
    const late = cost(90_000, 100_000);
    // Walking what was settled before would make it several times as much here; the rest is room for noise.
    expect(late).toBeLessThan(3 * early + 20_000);
    expect(frames).toHaveLength(99_998);
    frames.splice(0);
    acks.add(1);
    acks.flush();
    acks.add(100_000);
    acks.flush();
    expect(frames).toEqual([
      [1, true],
      [100_000, true],
    ]);
  }, 60_000);
});
