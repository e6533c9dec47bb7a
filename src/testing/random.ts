/**
 * Random numbers from 0 (inclusive) to 1 (exclusive) that are the same for the same seed (mulberry32: 32 bits of
 * state, enough for jitter and test plans, never for secrets).
 * @param seed Its lowest 32 bits count.
 */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let bits = Math.imul(state ^ (state >>> 15), state | 1);
    bits ^= bits + Math.imul(bits ^ (bits >>> 7), bits | 61);
    return ((bits ^ (bits >>> 14)) >>> 0) / 2 ** 32;
  };
}
