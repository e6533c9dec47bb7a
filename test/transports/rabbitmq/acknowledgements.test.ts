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
});
