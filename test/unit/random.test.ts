import { describe, expect, it } from 'vitest';
import { seededRandom } from '../../src/testing/random.ts';

describe('seeded random numbers', () => {
  it('are those of mulberry32, so that a printed seed means the same in every version', () => {
    const random = seededRandom(1);
    expect([random(), random(), random()].map((value) => value * 2 ** 32)).toEqual([
      2693262067, 11749833, 2265367787,
    ]);
  });

  it('repeat for the same seed and differ for another', () => {
    const first = Array.from({ length: 50 }, seededRandom(7));
    expect(Array.from({ length: 50 }, seededRandom(7))).toEqual(first);
    expect(Array.from({ length: 50 }, seededRandom(8))).not.toEqual(first);
  });

  it('lie in [0, 1) and spread evenly', () => {
    const random = seededRandom(42);
    const values = Array.from({ length: 100_000 }, random);
    expect(values.every((value) => value >= 0 && value < 1)).toBe(true);
    const tenths = new Array<number>(10).fill(0);
    for (const value of values) tenths[Math.floor(value * 10)]! += 1;
    expect(Math.min(...tenths)).toBeGreaterThan(9_500);
    expect(Math.max(...tenths)).toBeLessThan(10_500);
  });
});
