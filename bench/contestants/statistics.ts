import type { Figures } from './protocol.ts';

export const sum = (figures: readonly Figures[], name: 'lost' | 'duplicated'): number =>
  figures.reduce((total, figure) => total + figure[name], 0);

/** NaN of none. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  const [low = NaN, high = NaN] =
    sorted.length % 2 === 1 ? [sorted[middle], sorted[middle]] : sorted.slice(middle - 1);
  return (low + high) / 2;
}
